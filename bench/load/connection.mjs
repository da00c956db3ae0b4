// A keep-alive HTTP/1.1 connection that costs next to nothing: one request at a time, just enough parsing.
import { connect } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const NONE = Buffer.alloc(0);
/** Such an answer never has a body, whatever it says of its length. */
const NOT_MODIFIED = 304;

/** @typedef {{status: number, body: Buffer}} Answer */

/** "HTTP/1.1 200 OK": three digits from the tenth character on. */
const statusOf = (buffer) => (buffer[9] - 48) * 100 + (buffer[10] - 48) * 10 + (buffer[11] - 48);

/** How long an answer is that starts at 0; throws on what no server here sends. */
function answerLength(buffer, headEnd) {
  if (statusOf(buffer) === NOT_MODIFIED) return headEnd + 4;
  const head = buffer.latin1Slice(0, headEnd);
  const at = head.indexOf('ontent-');
  const found = /content-length: *(\d+)/i.exec(at < 0 ? head : head.slice(at - 1));
  if (found) return headEnd + 4 + Number(found[1]);
  throw new Error(`an answer without Content-Length: ${head.slice(0, 200)}`);
}

export class Connection {
  #socket;
  #buffer = NONE;
  #onAnswer = null;
  /** Broken connections stay broken; the run counts them. */
  isBroken = false;

  /** @param {string} host @param {number} port @param {(connection: Connection) => void} onBroken */
  constructor(host, port, onBroken) {
    this.#socket = connect({ host, port, noDelay: true });
    this.#socket.on('data', (chunk) => this.#take(chunk));
    const broken = () => {
      if (this.isBroken) return;
      this.isBroken = true;
      onBroken(this);
    };
    this.#socket.on('error', broken);
    this.#socket.on('close', broken);
  }

  /** @returns {Promise<void>} */
  ready() {
    return new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve);
      this.#socket.once('error', reject);
    });
  }

  /** @param {string} request all of it @param {(status: number, body: Buffer) => void} onAnswer */
  send(request, onAnswer) {
    this.#onAnswer = onAnswer;
    this.#socket.write(request, 'latin1');
  }

  #take(chunk) {
    const buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const headEnd = buffer.indexOf(HEAD_END);
    const length = headEnd < 0 ? Infinity : answerLength(buffer, headEnd);
    if (buffer.length < length) {
      this.#buffer = buffer;
      return;
    }
    this.#buffer = NONE;
    const onAnswer = this.#onAnswer;
    this.#onAnswer = null;
    onAnswer?.(statusOf(buffer), buffer.subarray(headEnd + 4));
  }

  close() {
    this.isBroken = true;
    this.#socket.destroy();
  }
}
