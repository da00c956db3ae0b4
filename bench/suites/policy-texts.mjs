// Three policies of a brand, written and published through the service's own API.
import { randomFrom } from '../random.mjs';

const version = (name, from, isMaterial) => ({ version: name, from, isMaterial });
/** How many of all consents are to each; of each version, how much of the time had passed when it came into force. */
const POLICIES = [
  {
    ...{ name: 'Terms and conditions', type: 'TermsOfService', share: 0.5 },
    versions: [
      version('1.0', 0, true),
      version('1.1', 0.25, false),
      version('2.0', 0.5, true),
      version('2.1', 0.8, false),
    ],
  },
  {
    ...{ name: 'Privacy policy', type: 'Privacy', share: 0.3 },
    versions: [version('1.0', 0, true), version('2.0', 0.4, true), version('2.1', 0.7, false)],
  },
  {
    ...{ name: 'Cookie policy', type: 'Cookie', share: 0.2 },
    versions: [version('1.0', 0, true), version('1.1', 0.6, false)],
  },
];
export const LANGUAGES = ['en', 'de'];
const CLAUSES = 40;
const CLAUSE_WORDS = 40;
const WORDS =
  'account agree any apply before bonus cancel change claim close day deposit each limit game law may must notice odds our ' +
  'parties pay play player point rule service shall stake term the their these we withdraw within you your';

/**
 * @typedef {object} BenchPolicy
 * @property {string} id
 * @property {number} share of all consents
 * @property {{version: string, from: number}[]} versions in their order; from: how much of the time had passed
 */

/**
 * @param {import('../run.mjs').Bench} bench
 * @param {string} key of a client that may publish
 * @returns {Promise<BenchPolicy[]>}
 */
export async function publishPolicies({ service }, key) {
  const server = await service.start();
  const post = (path, body) => postJson(server.origin + path, key, body);
  try {
    const published = [];
    for (const { name, type, share, versions } of POLICIES) {
      const { Id: id } = await post('/api/policies', { Name: name, Type: type, DefaultLanguage: 'en' });
      const Texts = LANGUAGES.map((language) => textIn(language, name));
      for (const { version: Version, isMaterial: Material } of versions) {
        await post(`/api/policies/${id}/versions`, { Version, Material, Texts });
        await post(`/api/policies/${id}/versions/${Version}/publish`);
      }
      published.push({ id, share, versions });
    }
    return published;
  } finally {
    await server.stop();
  }
}

async function postJson(url, key, body) {
  const headers = { 'x-api-key': key, ...(body && { 'content-type': 'application/json' }) };
  const answer = await fetch(url, { method: 'POST', headers, ...(body && { body: JSON.stringify(body) }) });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${url} answers ${answer.status}: ${text.slice(0, 300)}`);
  return JSON.parse(text);
}

/** As long as what such texts are in earnest: headings and clauses of so many words. */
function textIn(language, name) {
  const random = randomFrom(language.charCodeAt(0));
  const words = WORDS.split(' ');
  const clause = () =>
    Array.from({ length: CLAUSE_WORDS }, () => words[Math.floor(random() * words.length)]).join(' ');
  const clauses = Array.from({ length: CLAUSES }, (_, n) => `## ${n + 1}. **${name}**\n\n${clause()}.`);
  return { Language: language, Format: 'markdown', Text: clauses.join('\n\n') };
}
