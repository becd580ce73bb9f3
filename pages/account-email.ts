/** Another address: the link goes there, and is opened on its own page. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { find } from './dom.ts'
import { invalidFields } from './failure.ts'
import { clearForm, onSubmit } from './form.ts'
import { callAsMe } from './session.ts'
import { mention } from './views.ts'

export function changeAddress(): void {
  const sent = find('[data-email-sent]')
  onSubmit(
    'email-change',
    accountForm({
      send: ({ newEmail, currentPassword }) => {
        sent.hidden = true
        return callAsMe({ path: 'email-change/request', body: { newEmail, currentPassword } })
      },
      done: () => {
        clearForm('email-change')
        mention(myEmail())
        sent.hidden = false
      },
      fieldOf: failure => invalidFields(failure),
    }),
  )
}
