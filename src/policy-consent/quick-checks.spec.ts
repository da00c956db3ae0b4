import { it } from '@jest/globals';
import { expectAgreement } from '../../test/support/quick-checks.js';
import { PolicyGivenQuery, PolicyTextQuery } from './policy-consent.dto.js';

it('the quick check of PolicyGivenQuery says yes to nothing that its rules refuse, and the two agree', () =>
  expectAgreement(PolicyGivenQuery, { ClientId: 'AB'.repeat(32), PolicyId: 'p' }, [
    ...['ClientId', 'PolicyId', 'Version'],
  ]));

it('so do those of PolicyTextQuery', () =>
  expectAgreement(PolicyTextQuery, { PolicyId: 'p', LanguageCode: 'pt-BR' }, ['PolicyId', 'LanguageCode']));
