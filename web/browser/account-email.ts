/** Change of the email: the link is opened on its own page, or the code is entered here. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { client } from './api.ts'
import { find, onPress } from './dom.ts'
import { invalidFields } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { codeFault } from './mailed-code.ts'
import { leaveNotice } from './notice.ts'
import { showStep } from './step.ts'
import { mention } from './views.ts'

let requestToken = ''

export function changeAddress(): void {
  onSubmit(
    'email-change',
    accountForm({
      send: ({ newEmail = '', currentPassword = '' }) =>
        client.requestEmailChange({ newEmail, currentPassword }),
      done: answer => {
        requestToken = answer.requestToken
        step(2)
      },
      fieldOf: failure => invalidFields(failure),
    }),
  )
  onSubmit(
    'email-confirm',
    accountForm({
      send: ({ code = '', currentPassword = '' }) =>
        client.changeEmail({ requestToken, code, password: currentPassword }),
      done: () => {
        leaveNotice('email_changed')
        location.reload()
        return leaving
      },
      fieldOf: failure => codeFault(failure) ?? {},
    }),
  )
  onPress('cancel-email', () => {
    step(1)
    find('#email-change-newEmail').focus()
  })
}

function step(number: 1 | 2): void {
  showStep('email', number)
  clearForm('email-change')
  clearForm('email-confirm')
  mention(myEmail())
}
