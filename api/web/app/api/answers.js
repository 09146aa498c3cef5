// The API's answers with their types, which are made from its OpenAPI document (dev/web/api.d.ts); of what it passes on
// to Ingest, from Ingest's (dev/web/ingest.d.ts).

import { useResource } from './resource.js';

/** @typedef {import('./resource.js').How} How */
/**
 * @template T
 * @typedef {import('./resource.js').Resource<T>} Resource
 */

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Overview>} */
export const useOverview = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Stats>} */
export const useStats = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Matrix>} */
export const useMatrix = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Worst>} */
export const useWorst = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Page>} */
export const useShipments = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_ShipmentWithEvents>} */
export const useShipment = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').Answer_Why>} */
export const useWhy = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').PipelineAnswer>} */
export const usePipeline = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').SpacesAnswer>} */
export const useSpaces = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').DiffAnswer | import('api-types').NotYet>} */
export const useDiff = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('api-types').CoverageByDays>} */
export const useCoverage = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('ingest-types').RunAnswer>} */
export const useRun = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('ingest-types').Runs>} */
export const useRuns = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('ingest-types').Rehearsal>} */
export const useRehearsal = (path, how) => useResource(path, how);

/** @param {string | null} path @param {How} [how] @returns {Resource<import('ingest-types').RejectsPage>} */
export const useRejects = (path, how) => useResource(path, how);
