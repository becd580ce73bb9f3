/** An export needs the same memory for a history of any length; 200,000 events are in the slow tier. */
import t from 'tap'
import { exportLongHistory } from './me-export-size.ts'

t.test('an export of 10,000 events bounds memory and the event loop', t => exportLongHistory(t, 10_000))
