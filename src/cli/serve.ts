/** The command `latchkey serve`. */
import { type Command, usageError } from './command.ts'

/** Describes the command only: latchkey.cts runs it. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the service',
  description: 'The same as npm start. docs/configuration.md lists the variables that configure it.',
  isBare: true,
  async run() {
    throw usageError('serve takes no option: its configuration is in the environment and in .env.')
  },
}
