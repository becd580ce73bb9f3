import { MailSendError, type MailTransport } from './transport.ts'

const rule = '─'.repeat(72)

/**
 * Prints mails for a person at a terminal, so that the service can be tried without a mail server.
 * Nothing stands before or behind a line, so a link can be copied, or picked with grep.
 *
 * @param output where to print; standard output unless given
 */
export function createConsoleTransport(output: NodeJS.WritableStream = process.stdout): MailTransport {
  return {
    name: 'console',
    describe: () => 'printed here, on the console',
    send: ({ to, subject, text }) =>
      new Promise((resolve, reject) => {
        const lines = [rule, `To:      ${to}`, `Subject: ${subject}`, '', text.trimEnd(), rule]
        // Control characters could drive the terminal: move the cursor, hide a line, retitle the window.
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
