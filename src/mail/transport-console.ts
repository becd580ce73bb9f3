/** Prints emails instead of sending them, for development. */
import { MailSendError, type MailTransport } from './transport.ts'

const rule = '─'.repeat(72)

/**
 * Prints emails to a terminal, for use without a mail server. Links have a line of their own, to copy or
 * grep.
 */
export function createConsoleTransport(output: NodeJS.WritableStream = process.stdout): MailTransport {
  return {
    name: 'console',
    describe: () => 'printed here, on the console',
    send: ({ to, subject, text }) =>
      new Promise((resolve, reject) => {
        const lines = [rule, `To:      ${to}`, `Subject: ${subject}`, '', text.trimEnd(), rule]
        // Control characters could move the cursor, hide a line or change the title of the terminal.
        const printed = lines.join('\n').replace(/[^\P{Cc}\n]/gu, '')
        output.write(`\n${printed}\n\n`, error =>
          error
            ? reject(
                new MailSendError('The console is closed', {
                  permanent: false,
                  untaken: true,
                  refusesService: false,
                  unreachable: true,
                  code: 'ECONSOLE',
                }),
              )
            : resolve(),
        )
      }),
    close: () => {},
  }
}
