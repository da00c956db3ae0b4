import { isISO31661Alpha2, isISO6391 } from 'class-validator';
import { parsePhoneNumberFromString } from 'libphonenumber-js/max';
import { AppError, type FieldError } from '../common/errors.js';
import { isText } from '../common/is-text.js';
import type { Player } from '../database/entities/player.entity.js';

const adultAge = 18;
/** Nobody who lives was born before it. */
const earliestBirth = '1900-01-01';
const birthdateForm = /^(\d{4}-\d{2}-\d{2})(?: 00:00:00)?$/;
const phoneForm = /^(\d{1,4})-(\d{1,15})$/;
const maxTextLength = 200;
const maxZipLength = 20;

/** The fields of a player's details by their names on the wire, and what they are called inside. */
export const detailFields = {
  firstName: 'firstName',
  lastName: 'lastName',
  birthdate: 'birthOn',
  gender: 'gender',
  language: 'language',
  country: 'country',
  city: 'city',
  address: 'address',
  zipPostalCode: 'zipPostalCode',
  phone: 'phone',
} as const satisfies Record<string, keyof Player>;
export type DetailField = keyof typeof detailFields;
export const detailNames = Object.keys(detailFields) as DetailField[];

/** What is to become of some of them; null for one that is no longer known. */
export type DetailsInput = Partial<Record<DetailField, string | null>>;

/** What the rules depend on beside the values. */
export interface RuleFacts {
  now: Date;
  /** Whether a phone number must be one that its country has. */
  libraryPhoneCheck: boolean;
}

/** A birthdate as YYYY-MM-DD; null for what is no day, or nobody's who lives. */
export function parseBirthdate(text: string): string | null {
  const [, day] = birthdateForm.exec(text) ?? [];
  if (day === undefined || day < earliestBirth) return null;
  const date = new Date(`${day}T00:00:00Z`);
  // The calendar has the day only if it comes back as it was: 30 February would be 2 March.
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(day) ? day : null;
}

/** Whether somebody born on a day (YYYY-MM-DD) is 18 by now, in UTC; born on 29 February, from 1 March on. */
export function isAdult(birthOn: string, now: Date): boolean {
  const today = now.toISOString().slice(0, 10);
  return birthOn <= `${Number(today.slice(0, 4)) - adultAge}${today.slice(4)}`;
}

/** Whether a text is a phone number as `countrycode-number`; with the library, one that the country of that code has. */
export function isPhone(text: string, withLibrary: boolean): boolean {
  const [, code, number] = phoneForm.exec(text) ?? [];
  if (code === undefined || number === undefined || !withLibrary) return code !== undefined;
  const parsed = parsePhoneNumberFromString(`+${code}${number}`);
  return parsed !== undefined && parsed.isValid() && parsed.countryCallingCode === code;
}

/** Where a number is called, as E.164 has it: without the zero that only callers of its own country dial first. */
export function dialled(phone: string): string {
  const digits = `+${phone.replace('-', '')}`;
  return parsePhoneNumberFromString(digits)?.number ?? digits;
}

const textOf = (max: number) => (text: string) =>
  isText(text, max) && text.trim() !== '' ? null : `must have 1 to ${max} characters`;

/** What is wrong with a value, or null. */
const rules: Record<DetailField, (text: string, facts: RuleFacts) => string | null> = {
  firstName: textOf(maxTextLength),
  lastName: textOf(maxTextLength),
  birthdate: (text, { now }) => {
    const day = parseBirthdate(text);
    if (day === null) return 'must be a day, such as 1996-11-02';
    return isAdult(day, now) ? null : `must lie at least ${adultAge} years back`;
  },
  gender: (text) => (/^[FM]$/.test(text) ? null : 'must be F or M'),
  language: (text) => (isISO6391(text) ? null : 'must be an ISO 639-1 code'),
  country: (text) =>
    /^[A-Z]{2}$/.test(text) && isISO31661Alpha2(text) ? null : 'must be an ISO 3166-1 alpha-2 code',
  city: textOf(maxTextLength),
  address: textOf(maxTextLength),
  zipPostalCode: textOf(maxZipLength),
  phone: (text, { libraryPhoneCheck }) =>
    isPhone(text, libraryPhoneCheck)
      ? null
      : 'must be a country code, a hyphen and a number, such as 44-7400123456',
};

/** The details as they are kept; invalid_input names every field that breaks its rule. */
export function checkDetails(input: DetailsInput, facts: RuleFacts): DetailsInput {
  const checked: DetailsInput = {};
  const errors: FieldError[] = [];
  for (const field of detailNames) {
    const value = input[field];
    if (value === undefined) continue;
    const wrong = value === null ? null : rules[field](value, facts);
    if (wrong !== null) errors.push({ field, message: `${field} ${wrong}` });
    checked[field] = value !== null && field === 'birthdate' ? parseBirthdate(value) : value;
  }
  if (errors.length > 0) throw new AppError('invalid_input', undefined, errors);
  return checked;
}
