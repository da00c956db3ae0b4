// The list of consents to policies, its first page against its thousandth, for every filter and for combinations of them.
import { combinationsOf, measureList, ofAllTime, singleFilters } from './list-pages.mjs';
import { fillPolicies, samplePolicyFilters } from './policy-records.mjs';

const WIDE = [
  'PolicyId',
  'ConsentGiven',
  'PolicyVersion',
  'MobileApplicationId',
  'DeviceManufacturer',
  'DomainId',
];
/** Of what is not evenly spread, the commonest value and a rare one. */
const VALUES = {
  CustomUserId: ['player-4711'],
  ConsentGiven: ['true', 'false'],
  PolicyVersion: ['2.1', '1.0'],
  MobileApplicationId: ['com.example.play0', 'com.example.play7'],
  DeviceManufacturer: ['Maker 0', 'Maker 19'],
  SDKVersion: ['5.0', '5.11'],
  OSVersion: ['OS 0', 'OS 29'],
  DomainId: ['site-0', 'site-39'],
};

/** @param {import('../run.mjs').Bench} bench @returns {Promise<import('../report.mjs').Line[]>} */
export async function policyPages(bench) {
  const { acceptances: records, combinations } = bench.sizes;
  const { brand, policies } = await fillPolicies(bench);
  const samples = await samplePolicyFilters(bench, brand.id, combinations);
  const list = {
    what: 'policy list',
    path: '/api/policyconsent',
    key: brand.key,
    orderedBy: 'Created',
    records,
  };
  const queries = [
    ...singleFilters({ PolicyId: policies.map(({ id }) => id), ...VALUES }),
    ...versionsOf(policies).map(ofAllTime),
    ...combinationsOf(samples, WIDE),
  ];
  return measureList(bench, list, queries);
}

/** Who accepted this version of this policy: the commonest question. */
function versionsOf(policies) {
  return policies.flatMap(({ id, versions }) =>
    versions.map(({ version }) => ({ PolicyId: id, PolicyVersion: version })),
  );
}
