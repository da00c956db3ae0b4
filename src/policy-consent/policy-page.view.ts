import type { PublishedVersion } from '../consents/policies/policy.js';
import type { KnownPolicy, PublishedText } from '../consents/policies/policy-catalogue.js';
import { directionOf, languageName } from '../pages/languages.js';
import { fill } from '../pages/page-texts.js';

export interface PolicyToShow {
  brandName: string;
  policy: KnownPolicy;
  /** Those in force until now, oldest first: the last is current. */
  versions: PublishedVersion[];
  shown: PublishedVersion;
  /** That one can choose from. */
  languages: string[];
  /** Whether none of them is the reader's, whose language the words around the text are in. */
  isMissed: boolean;
  text: PublishedText;
  /** The text with what changed since an earlier version. */
  changes: { since: PublishedVersion; html: string } | null;
  /** Of the words around the text. */
  language: string;
  /** How dates are written: a language tag. */
  locale: string;
  /** An instant in words, with `{instant}` in it. */
  instantText: string;
  /** The language that was asked for by name; links keep it. */
  asked: string | undefined;
}

const ownHeading = /^\s*<h1(?: [^>]*)?>(?<heading>[^]*?)<\/h1>/;

/** What templates name in pages/policy.html.liquid. `…_html` is sanitised text of the policy. */
export function policyPageVariables(page: PolicyToShow): Record<string, unknown> {
  const { brandName, policy, versions, shown, text, changes, language, asked } = page;
  const current = versions.at(-1) ?? shown;
  const { headingHtml, titleHtml, bodyHtml } = splitHeading(policy.name, text.html, changes?.html);
  const day = dayFormat(page.locale);
  return {
    brand_name: brandName,
    name: policy.name,
    name_above: headingHtml !== escape(policy.name) && titleHtml.trim() !== escape(policy.name).trim(),
    title_html: titleHtml,
    heading_html: headingHtml,
    body_html: bodyHtml,
    text_language: text.language,
    text_direction: directionOf(text.language),
    languages: listLanguages(page),
    wanted_language: page.isMissed ? languageName(language, language) : '',
    shown_language: languageName(text.language, language),
    version: shown.version,
    is_current: shown === current,
    in_force: shown === current ? instantOf(page, shown) : period(page, shown),
    current: { version: current.version, date: day.format(current.effectiveAt), link: link(asked) },
    is_changed: changes !== null && changes.html !== text.html,
    changes: changes && {
      version: changes.since.version,
      date: day.format(changes.since.effectiveAt),
      link: link(asked, shown === current ? {} : { version: shown.version }),
    },
    versions: listVersions(page, current),
  };
}

/** A text that begins with a heading of its own gives the page its heading; any other has the policy's name. */
function splitHeading(name: string, html: string, changed = html) {
  const title = ownHeading.exec(html)?.groups?.heading?.replaceAll(/<[^>]*>/g, '') ?? '';
  const own = ownHeading.exec(changed);
  if (!own || title.trim() === '') {
    const named = escape(name);
    return { titleHtml: title.trim() || named, headingHtml: named, bodyHtml: changed };
  }
  return { titleHtml: title, headingHtml: own.groups?.heading ?? '', bodyHtml: changed.slice(own[0].length) };
}

function listLanguages({ languages, text, shown, versions, changes, locale }: PolicyToShow) {
  const rest = {
    ...(shown !== versions.at(-1) && { version: shown.version }),
    ...(changes && { since: changes.since.version }),
  };
  return languages.map((tag) => {
    const name = languageName(tag);
    return {
      tag,
      name: name.charAt(0).toLocaleUpperCase(locale) + name.slice(1),
      is_shown: tag === text.language,
      link: link(tag, rest),
    };
  });
}

/** Newest first. */
function listVersions(page: PolicyToShow, current: PublishedVersion) {
  const { versions, shown, changes, asked, locale } = page;
  const shownPlace = versions.indexOf(shown);
  const own: Record<string, string> = shown === current ? {} : { version: shown.version };
  return versions
    .map((each, place) => ({
      version: each.version,
      is_current: each === current,
      dates: each === current ? dayFormat(locale).format(each.effectiveAt) : period(page, each),
      link:
        each === shown && !changes ? null : link(asked, each === current ? {} : { version: each.version }),
      changes_link:
        place < shownPlace && each !== changes?.since ? link(asked, { ...own, since: each.version }) : null,
    }))
    .reverse();
}

function period({ versions, locale }: PolicyToShow, version: PublishedVersion): string {
  const next = versions[versions.indexOf(version) + 1] ?? version;
  return dayFormat(locale).formatRange(version.effectiveAt, next.effectiveAt);
}

function instantOf({ locale, instantText }: PolicyToShow, { effectiveAt }: PublishedVersion): string {
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC' });
  return fill(instantText, { instant: format.format(effectiveAt) });
}

/** Making one takes longer than all the rest of a page; there are as many as languages of pages. */
const dayFormats = new Map<string, Intl.DateTimeFormat>();

function dayFormat(locale: string): Intl.DateTimeFormat {
  const known = dayFormats.get(locale);
  if (known) return known;
  const format = new Intl.DateTimeFormat(locale, { dateStyle: 'long', timeZone: 'UTC' });
  dayFormats.set(locale, format);
  return format;
}

/** To the page itself, under whatever prefix it stands. */
function link(lang: string | undefined, query: Record<string, string> = {}): string {
  return `?${new URLSearchParams({ ...query, ...(lang !== undefined && { lang }) }).toString()}`;
}

const escapes: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };
const escape = (text: string) => text.replaceAll(/[&<>"]/g, (character) => escapes[character] ?? '');
