/** Times of requests at the bounds of what every database stores. */

export const EARLIEST = '0001-01-01T00:00:00Z'
export const LATEST = '9999-12-31T23:59:59.999Z'

/** RFC 3339 or RFC 9557 allow each of them; not one is stored and read again. */
export const INVALID_TIMES = [
  // Outside the bounds in UTC.
  '9999-12-31T23:59:59-05:00',
  '9999-12-31T23:59:59.999-00:01',
  '0001-01-01T00:00:00+00:01',
  '0000-12-31T23:59:59.999Z',
  '0000-01-01T00:00:00Z',
  // A leap second.
  '2016-12-31T23:59:60Z',
  // Suffixes.
  '2126-01-31T09:30:00Z[UTC]',
  '2126-01-31T09:30:00Z[a-b=c]',
]
