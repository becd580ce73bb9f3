/** `latchkey version`. */
import { VERSION } from '../shared/version.ts'
import type { Command } from './command.ts'

export const version: Command = {
  name: 'version',
  summary: 'print the version',
  run: async () => ({
    json: { version: VERSION, node: process.versions.node },
    text: `latchkey ${VERSION} on Node ${process.versions.node}`,
  }),
}
