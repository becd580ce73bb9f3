/** The client of the API, which the build bundles into this module. */
export * from '../../client/src/index.ts'
