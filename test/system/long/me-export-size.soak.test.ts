import t from 'tap'
import { exportLongHistory } from '../../api/accounts/me-export-size.ts'

t.test('an export of 200,000 events bounds memory and turns of the event loop', { timeout: 300_000 }, t =>
  exportLongHistory(t, 200_000),
)
