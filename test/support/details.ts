import type { TestApp } from './test-app.js';

export const detailsPath = '/gateway/player-personal-details/player/details/1.0/1';
export const customFieldsPath = '/gateway/player-personal-details/1.0/custom-fields/1';

/** What the gateway says is wrong. */
export const gatewayError = {
  input: '{"errMsg":"invalid input"}',
  brand: '{"errMsg":"invalid input - invalid brand id"}',
  token: '{"errMsg":"invalid input - invalid token"}',
  noDetails: '{"errMsg":"Player Personal Details not found"}',
  tooMany: '{"errMsg":"too many requests"}',
} as const;

/** Details that keep every rule, as they are sent. */
export const janesDetails = {
  firstName: 'Jane',
  lastName: 'Doe',
  birthdate: '1996-11-02',
  gender: 'F',
  language: 'en',
  country: 'GB',
  city: 'London',
  address: '1 High Street',
  zipPostalCode: 'SW1A 1AA',
  phone: '44-7400123456',
};

/** A body of GET details, letter by letter, of a player who has said nothing about marketing. */
export function printedDetails(given: Record<string, unknown> = {}): string {
  return JSON.stringify({
    ...janesDetails,
    birthdate: '1996-11-02 00:00:00',
    eMail: { eMailAdress: '', emailAddress: '', isVerified: false },
    optOut: { chat: true, sms: true, email: true, phone: true },
    is2faRequired: false,
    mobileVerificationStatus: 0,
    mobileVerificationStatusDate: '',
    mobileVerificationStatusChangedBy: '',
    pendingMobileNumber: '',
    ...given,
  });
}

/** Gives a known player Jane's details, past the service, and opens a session: answers its token. */
export async function becomeJane(app: TestApp, player: string): Promise<string> {
  await app.call('PUT', `/internal/players/${player}`, { body: {} });
  const { birthdate, zipPostalCode, firstName, lastName, ...others } = janesDetails;
  const { gender, language, country, city, address, phone } = others;
  await app.sql(
    `update players set has_details = true, first_name = $2, last_name = $3, birth_on = $4, gender = $5, language = $6,
       country = $7, city = $8, address = $9, zip_postal_code = $10, phone = $11
     where brand_id = 1 and player_id = $1`,
    [player, firstName, lastName, birthdate, gender, language, country, city, address, zipPostalCode, phone],
  );
  return (await app.openSession(player)).auth_token;
}
