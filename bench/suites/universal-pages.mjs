// The list of universal consents, its first page against its thousandth, for every filter and for combinations of them.
import { combinationsOf, measureList, singleFilters } from './list-pages.mjs';
import { fillRecords, sampleFilters } from './universal-records.mjs';

const WIDE = ['Reference', 'ConsentType', 'ConsentGiven', 'UserAgent', 'State', 'Country'];
const agent = (a) =>
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) ' +
  `Chrome/${60 + (a % 70)}.0.${4000 + a}.0 Safari/537.36`;
/** Of what is not evenly spread, the commonest value and a rare one. */
const VALUES = {
  CustomUserId: ['player-4711'],
  Reference: ['campaign-0', 'campaign-199'],
  ConsentType: ['type-0', 'type-19'],
  ConsentGiven: ['true', 'false', 'All', 'Partial', 'None'],
  IP: ['81.0.18.103'],
  UserAgent: [agent(0), agent(299)],
  City: ['City 0', 'City 499'],
  State: ['State 0', 'State 124'],
  Country: ['GB', 'TH'],
};

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function universalPages(bench) {
  const { service, sizes } = bench;
  const brand = await service.createBrandWithKey('Pages');
  await fillRecords(bench, brand.id, sizes.consentRecords);
  const samples = await sampleFilters(bench, brand.id, sizes.combinations);
  const combinations = combinationsOf(samples, WIDE, (query, random) => {
    if (query.ConsentGiven && random() < 0.5) query.ConsentGiven = String(query.ConsentGiven !== 'None');
  });
  const records = sizes.consentRecords;
  const list = {
    what: 'universal list',
    path: '/api/universalconsent',
    key: brand.key,
    orderedBy: 'LastUpdated',
    records,
  };
  return measureList(bench, list, [...singleFilters(VALUES), ...combinations]);
}
