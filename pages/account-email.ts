/** Another address: the link goes there, and is opened on its own page. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { invalidFields } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { callAsMe } from './session.ts'
import { mention } from './views.ts'
import { words } from './words.ts'

export function changeAddress(): void {
  onSubmit(
    'email-change',
    accountForm({
      send: ({ newEmail, currentPassword }) =>
        callAsMe({ path: 'email-change/request', body: { newEmail, currentPassword } }),
      done: () => {
        clearForm('email-change')
        mention(myEmail())
      },
      said: words.emailSent,
      fieldOf: failure => invalidFields(failure),
    }),
  )
}
