/** Times that every database can store. */
const EARLIEST = '0001-01-01T00:00:00Z'
const LATEST = '9999-12-31T23:59:59.999Z'

/** For messages. */
export const TIME_RANGE = `from ${EARLIEST} to ${LATEST}`

/**
 * Whether every database stores a time and a response can state it. RFC 3339 writes four digits of a year. PostgreSQL
 * writes years before 1 as BC and later ones with five digits, which JavaScript does not read.
 *
 * @returns false for an invalid date
 */
export const isStorableTime = (at: Date) => at >= new Date(EARLIEST) && at <= new Date(LATEST)
