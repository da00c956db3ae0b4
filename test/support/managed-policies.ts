import { errorText } from './errors.js';
import type { Answer, CallOptions, TestApp } from './test-app.js';

export interface PrintedPolicy {
  Id: string;
  Name: string;
  Type: string;
  DefaultLanguage: string;
  DomainId: string | null;
  Created: string;
  CurrentVersion: string | null;
  Versions?: PrintedVersion[];
}

export interface PrintedVersion {
  Version: string;
  State: string;
  Material: boolean;
  Languages: string[];
  Created: string;
  EffectiveFrom: string | null;
  Published: string | null;
  EffectiveAt: string | null;
}

export interface DraftedText {
  Language: string;
  Format: string;
  Text: string;
}

export const html = (Text: string, Language = 'en'): DraftedText => ({ Language, Format: 'html', Text });

/** The routes that write policies, as one application answers them. */
export function policyRoutes(app: TestApp) {
  const create = (body: object = {}, options: CallOptions = {}): Promise<Answer> =>
    app.call('POST', '/api/policies', {
      ...options,
      body: { Name: 'Terms', Type: 'TermsOfService', DefaultLanguage: 'en', DomainId: 'test', ...body },
    });
  const read = (id: string, options: CallOptions = {}) => app.call('GET', `/api/policies/${id}`, options);
  const draft = (id: string, body: object, options: CallOptions = {}) =>
    app.call('POST', `/api/policies/${id}/versions`, { ...options, body });
  const publish = (id: string, version: string, options: CallOptions = {}) =>
    app.call('POST', `/api/policies/${id}/versions/${encodeURIComponent(version)}/publish`, options);
  const must = (answer: Answer, status: number): Answer => {
    if (answer.status !== status) throw new Error(`${answer.status} ${answer.text}`);
    return answer;
  };
  return {
    create,
    read,
    draft,
    publish,
    list: (options: CallOptions = {}) => app.call('GET', '/api/policies', options),
    diff: (id: string, from: string, to: string, query = '', options: CallOptions = {}) =>
      app.call('GET', `/api/policies/${id}/versions/${from}/diff/${to}${query}`, options),
    acceptance: (id: string, options: CallOptions = {}) =>
      app.call('GET', `/api/policies/${id}/acceptance`, options),
    /** What visitors are shown. */
    readText: (id: string, query = '') =>
      app.call('GET', `/api/policyconsent/policy?PolicyId=${id}${query}`, { token: null }),
    /** A new policy with these versions published, each with one text. */
    async createPublished(
      versions: Record<string, string | DraftedText[]>,
      body: object = {},
    ): Promise<string> {
      const { Id } = must(await create(body), 201).as<PrintedPolicy>();
      for (const [Version, text] of Object.entries(versions)) {
        const Texts = typeof text === 'string' ? [html(text)] : text;
        must(await draft(Id, { Version, Texts }), 201);
        must(await publish(Id, Version), 200);
      }
      return Id;
    },
  };
}

/** Bodies of a new policy that are refused, with the field and why. */
export const badPolicies: [what: string, body: object, field: string, message: string][] = [
  ['no name', { Name: undefined }, 'Name', errorText.notAText('Name')],
  ['an empty name', { Name: '' }, 'Name', errorText.tooShort('Name')],
  ['a long name', { Name: 'x'.repeat(201) }, 'Name', errorText.tooLong('Name', 200)],
  ['a type there is not', { Type: 'Imprint' }, 'Type', errorText.policyType],
  ['no type', { Type: undefined }, 'Type', errorText.policyType],
  [
    'no language',
    { DefaultLanguage: undefined },
    'DefaultLanguage',
    errorText.notALanguage('DefaultLanguage'),
  ],
  [
    'what is no language',
    { DefaultLanguage: 'e' },
    'DefaultLanguage',
    errorText.notALanguage('DefaultLanguage'),
  ],
  ['a site that is no text', { DomainId: 7 }, 'DomainId', errorText.notAText('DomainId')],
  ['no site, but said', { DomainId: null }, 'DomainId', errorText.notAText('DomainId')],
  ['an unknown key', { Version: '1.0' }, 'Version', errorText.unknownKey('Version')],
];

const field = (name: string) => `Texts[0].${name}`;
const text = (changes: object) => ({ Texts: [{ ...html('x'), ...changes }] });

/** The same of a version. */
export const badVersions: typeof badPolicies = [
  ['no version', { Version: undefined }, 'Version', errorText.versionName],
  ['an empty version', { Version: '' }, 'Version', errorText.versionName],
  ['a long version', { Version: '1'.repeat(51) }, 'Version', errorText.versionName],
  ['a version with a slash', { Version: '1/2' }, 'Version', errorText.versionName],
  ['a version of dots', { Version: '..' }, 'Version', errorText.versionName],
  ['a version that ends with a space', { Version: '1 ' }, 'Version', errorText.versionName],
  ['a version with NUL', { Version: 'a\x01b' }, 'Version', errorText.versionName],
  ['a version that is a number', { Version: 1 }, 'Version', errorText.versionName],
  ['Material that is a text', { Material: 'no' }, 'Material', errorText.notBooleanValue('Material')],
  ['Material that is null', { Material: null }, 'Material', errorText.notBooleanValue('Material')],
  ['a day there is not', { EffectiveFrom: '2026-02-30' }, 'EffectiveFrom', errorText.badDay('EffectiveFrom')],
  [
    'an instant without a zone',
    { EffectiveFrom: '2026-01-01T00:00:00' },
    'EffectiveFrom',
    errorText.badDay('EffectiveFrom'),
  ],
  ['a number for an instant', { EffectiveFrom: 1 }, 'EffectiveFrom', errorText.notAText('EffectiveFrom')],
  ['an empty instant', { EffectiveFrom: '' }, 'EffectiveFrom', errorText.badDay('EffectiveFrom')],
  ['texts that are no list', { Texts: html('x') }, 'Texts', 'Texts must be an array'],
  ['no texts', { Texts: [] }, 'Texts', errorText.tooFew('Texts')],
  ['51 texts', { Texts: Array(51).fill(html('x')) }, 'Texts', errorText.tooMany('Texts', 50)],
  ['a format there is not', text({ Format: 'pdf' }), field('Format'), errorText.textFormat(field('Format'))],
  [
    'what is no language',
    text({ Language: 'english please' }),
    field('Language'),
    errorText.notALanguage(field('Language')),
  ],
  ['an empty text', text({ Text: '' }), field('Text'), errorText.tooShort(field('Text'))],
  [
    'a text too long',
    text({ Text: 'x'.repeat(1_000_001) }),
    field('Text'),
    errorText.tooLong(field('Text'), 1_000_000),
  ],
  [
    'a text of a script alone',
    text({ Text: '<script>x</script>' }),
    field('Text'),
    errorText.textEmpty(field('Text')),
  ],
  [
    'a text of a picture alone',
    text({ Format: 'markdown', Text: '![x](y)' }),
    field('Text'),
    errorText.textEmpty(field('Text')),
  ],
  [
    'a text nested beyond reading',
    text({ Format: 'markdown', Text: `${'> '.repeat(20_000)}x` }),
    field('Text'),
    errorText.textTooDeep(field('Text')),
  ],
  [
    'an unknown key of a text',
    text({ Html: 'x' }),
    field('Html'),
    errorText.unknownKey('Html', field('Html')),
  ],
  [
    'one language twice',
    { Texts: [html('x', 'de'), html('x'), html('y', 'EN')] },
    'Texts[2].Language',
    errorText.languageTwice('Texts[2].Language', 'en'),
  ],
  [
    'no text in the default language',
    { Texts: [html('x', 'en-GB')] },
    'Texts',
    errorText.defaultLanguageMissing('en'),
  ],
  ['an unknown key', { Published: true }, 'Published', errorText.unknownKey('Published')],
];
