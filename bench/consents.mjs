// What the universal suite writes, told by numbers alone, so that everybody is asked for the same.
/** Larger than any number of subjects here, so that it has no divisor in common with one. */
const STEP = 2_147_483_647;
/** Of so many writes one is of a subject that is new. */
const NEW_EVERY = 5;
const REFERENCES = 200;
const LEVELS = ['All', 'Partial', 'None'];
const TYPES = ['marketing', 'terms', 'cookies', 'profiling'];

/**
 * @typedef {object} Consent
 * @property {string} subject digits from 1 to 9: c15t's ids take no 0
 * @property {string} reference
 * @property {string} type
 * @property {string} level
 * @property {boolean} isAll @property {boolean} isGiven
 */

/** @param {number} n of the subject @param {number} change how often it was changed before @returns {Consent} */
export function consentOf(n, change) {
  const level = LEVELS[(n + change) % LEVELS.length];
  return {
    subject: n
      .toString(9)
      .replace(/\d/g, (digit) => String(Number(digit) + 1))
      .padStart(16, '1'),
    reference: `campaign-${n % REFERENCES}`,
    type: TYPES[n % TYPES.length],
    level,
    isAll: level === 'All',
    isGiven: level !== 'None',
  };
}

/**
 * The writes to a server in their order: four of five change another subject's consent, each subject as often as every
 * other one, and always to another level; the fifth is of a new subject.
 * @param {number} i how many came before
 * @param {number} subjects how many there were at the beginning
 */
export function writeAt(i, subjects) {
  const added = Math.floor((i + 1) / NEW_EVERY);
  if (i % NEW_EVERY === NEW_EVERY - 1) return consentOf(subjects + added - 1, 0);
  const change = i - added;
  return consentOf((change * (STEP % subjects)) % subjects, 1 + Math.floor(change / subjects));
}

/**
 * @param {string} template JSON with `{subject}` and the other names of a consent, and `{now}`, in milliseconds
 * @returns {(consent: Consent) => string}
 */
export function bodyFrom(template) {
  const pieces = template.split(/\{(\w+)\}/);
  return (consent) => {
    let body = pieces[0];
    for (let at = 1; at < pieces.length; at += 2) {
      body += (pieces[at] === 'now' ? Date.now() : consent[pieces[at]]) + pieces[at + 1];
    }
    return body;
  };
}
