#!/bin/bash
# The README's two commands on a fresh clone: as root, as an ordinary user, and in a folder that only root may enter.
# Each time: install, start, ask with the printed token, stop, start again on the same data, kill -9, start again.
# Usage: scripts/check-fresh-clone.sh [--work-tree] [root|user|private …]
# Without --work-tree it clones HEAD; with it, it copies what is there, committed or not. Run it as root.
set -Eeuo pipefail
trap 'echo "failed in line $LINENO: $BASH_COMMAND" >&2' ERR

repository=$(cd "$(dirname "$0")/.." && pwd)
is_work_tree=
if [ "${1-}" = --work-tree ]; then is_work_tree=yes && shift; fi
[ $# -gt 0 ] || set -- root user private
[ "$(id -u)" = 0 ] || { echo 'run it as root: it starts the service as root and as another user' >&2 && exit 1; }

work=$(mktemp -d)
chmod 755 "$work"
group=
cleanup() {
  [ -z "$group" ] || kill -9 -- "-$group" 2>/dev/null || true
  rm -rf "$work"
}
trap cleanup EXIT
fail() { echo "FAILED: $*" >&2 && [ ! -e "$log" ] || tail -n 30 "$log" >&2; exit 1; }

get_clone() { # TARGET
  if [ -z "$is_work_tree" ]; then
    git clone -q "$repository" "$1"
  else
    mkdir "$1"
    (cd "$repository" && git ls-files -z --cached --others --exclude-standard |
      tar -c --null --ignore-failed-read -T - 2>/dev/null) | tar -x -C "$1"
  fi
}

# Replaces the subshell it is called in. A session of its own, so that what was started can be killed as a whole.
as_user() { # USER COMMAND...
  local user=$1 home="$work/home-$1"
  shift
  if [ "$user" = root ]; then
    exec setsid "$@"
  fi
  mkdir -p "$home"
  chown "$user" "$home"
  exec setsid setpriv --reuid "$user" --regid "$(id -g "$user")" --clear-groups env HOME="$home" "$@"
}

start() { # USER: sets group, url, token
  (cd "$clone" && as_user "$1" env PORT=0 npm start >"$log" 2>&1) &
  group=$!
  for _ in $(seq 1200); do
    if grep -q 'Ctrl-C stops it' "$log"; then break; fi
    kill -0 "$group" 2>/dev/null || fail 'the service ended instead of starting'
    sleep 0.1
  done
  url=$(sed -n 's/.*is ready on \(http[^ ]*\).*/\1/p' "$log")
  token=$(sed -n 's/.*Token to try *x-auth-token: \([^ ]*\).*/\1/p' "$log")
  [ -n "$url" ] && [ -n "$token" ] || fail 'it printed no address or no token'
}

ask() { curl -sS --max-time 10 -H "x-auth-token: $token" -H 'content-type: application/json' "$@"; }
databases() { pgrep -fa "postgres.*$clone/.data" || true; }

stop() { # SIGNAL, as a person's Ctrl-C (INT, to the whole group) or an operator's TERM to what they started
  local status=0
  if [ "$1" = INT ]; then kill -INT -- "-$group"; else kill -TERM "$group"; fi
  wait "$group" || status=$?
  [ "$status" = 0 ] || fail "SIG$1 ended it with $status"
  [ -z "$(databases)" ] || fail "a database is left after SIG$1: $(databases)"
  group=
}

check() { # NAME USER CLONE
  local user=$2 change='{"consents":[{"channel":"sms","opted_in":true,"products":["bingo"]}]}'
  clone=$3
  log="$work/$1.log"
  : >"$log"
  local since=$SECONDS
  get_clone "$clone"
  [ "$user" = root ] || chown -R "$user" "$clone"
  (cd "$clone" && as_user "$user" npm install >"$log" 2>&1) || fail 'npm install'
  echo "$1: installed after $((SECONDS - since)) s"
  start "$user"
  echo "$1: serves on $url after $((SECONDS - since)) s"
  ask -f "$url/userconsents/1001" >/dev/null || fail 'GET /userconsents/1001'
  [[ $(curl -fsS "$url/docs") == *swagger-ui* ]] || fail 'GET /docs'
  [[ $(ask -f -d "$change" "$url/userconsents/1001") == *bingo* ]] || fail 'POST /userconsents/1001'
  stop TERM
  start "$user"
  [[ $(ask "$url/userconsents/1001") == *bingo* ]] || fail 'a second start does not find the data'
  stop INT
  start "$user"
  kill -9 -- "-$group"
  wait "$group" 2>/dev/null || true
  for _ in $(seq 50); do [ -z "$(databases)" ] || sleep 0.1; done
  [ -z "$(databases)" ] || fail "a database is left after kill -9: $(databases)"
  start "$user"
  [[ $(ask "$url/userconsents/1001") == *bingo* ]] || fail 'the data is gone after kill -9'
  stop TERM
  echo "$1: stopped, started again, survived kill -9; $((SECONDS - since)) s in all"
}

for name in "$@"; do
  case $name in
    root) check root root "$work/root" ;;
    user)
      mkdir "$work/user" && chown nobody "$work/user"
      check user nobody "$work/user/clone"
      ;;
    private)
      mkdir -m 700 "$work/private"
      check private root "$work/private/clone"
      ;;
    *) echo "unknown: $name" >&2 && exit 2 ;;
  esac
done
echo 'fresh clones work'
