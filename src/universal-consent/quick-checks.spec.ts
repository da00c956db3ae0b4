import { describe, it } from '@jest/globals';
import { expectAgreement } from '../../test/support/quick-checks.js';
import { ConsentGivenQuery, RecordConsentDto } from './universal-consent.dto.js';

describe('a quick check says yes to nothing that the rules refuse, and the two agree', () => {
  it('ConsentGivenQuery', () =>
    expectAgreement(ConsentGivenQuery, { ClientId: 'AB'.repeat(32), Reference: 'r' }, [
      'ClientId',
      'Reference',
    ]));

  it('RecordConsentDto', () =>
    expectAgreement(RecordConsentDto, { ConsentGiven: 'All', Reference: 'r', ConsentType: 't' }, [
      ...['ConsentGiven', 'Reference', 'ConsentType', 'CustomUserId', 'URI', 'Metadata'],
    ]));
});
