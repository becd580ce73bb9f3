// Fuzzes a service in a separate process.
import { answerFromFork } from '../harness/fork.ts'
import { fuzzInject } from './fuzz-inject.ts'
import type { FuzzOptions } from './fuzz-options.ts'
import { fuzzWire } from './fuzz-wire.ts'

await answerFromFork((t, options: FuzzOptions) =>
  options.kind === 'wire' ? fuzzWire(t, options) : fuzzInject(t, options),
)
