/** Export of the account's data, and deletion of the account. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { client } from './api.ts'
import { element } from './dom.ts'
import { leaving, onSubmit } from './form.ts'
import { words } from './words.ts'

/** @param exported called after an export, because the history has a new event */
export function exportData(exported: () => Promise<void>): void {
  onSubmit(
    'export',
    accountForm({
      send: client.exportMe,
      done: async body => {
        const file = new Blob([JSON.stringify(body, null, 2)], { type: 'application/json' })
        const address = URL.createObjectURL(file)
        element('a', { href: address, download: 'account.json' }).click()
        setTimeout(() => URL.revokeObjectURL(address), 60_000)
        await exported()
      },
      said: words.exported,
    }),
  )
}

export function deleteAccount(): void {
  onSubmit(
    'delete',
    accountForm({
      check: ({ typedEmail = '' }): Record<string, string> =>
        typedEmail.toLowerCase() === myEmail() ? {} : { typedEmail: words.typedEmailDiffers },
      send: ({ currentPassword = '' }) => client.deleteMe({ currentPassword }),
      done: () => leaving,
    }),
  )
}
