/** Change of the password: first the current one, then the emailed code with the new one. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { client } from './api.ts'
import { carryEmail } from './carried-email.ts'
import { find, onPress } from './dom.ts'
import { rejection } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { codeFault } from './mailed-code.ts'
import { showStep } from './step.ts'
import { mention } from './views.ts'

let changeToken = ''

export function changePassword(): void {
  onSubmit(
    'password-request',
    accountForm({
      send: ({ currentPassword = '' }) => client.requestPasswordChange({ currentPassword }),
      done: body => {
        changeToken = body.changeToken
        step(2)
      },
    }),
  )
  onSubmit(
    'password-confirm',
    accountForm({
      send: ({ code = '', newPassword = '' }) => {
        carryEmail(myEmail())
        return client.changePassword({ changeToken, code, newPassword })
      },
      done: () => leaving,
      fieldOf: (failure, values) => codeFault(failure) ?? rejection(failure, values, myEmail()),
    }),
  )
  onPress('cancel-password', () => {
    changeToken = ''
    step(1)
    find('#password-request-currentPassword').focus()
  })
}

function step(number: 1 | 2): void {
  showStep('password', number)
  clearForm('password-request')
  clearForm('password-confirm')
  mention(myEmail())
}
