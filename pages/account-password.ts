/** Changing the password: first the current one, then the code from the mail with the new one. */
import { accountForm } from './account-form.ts'
import { myEmail } from './account-me.ts'
import { find, onPress } from './dom.ts'
import { rejection } from './failure.ts'
import { clearForm, leaving, onSubmit } from './form.ts'
import { callAsMe, leave } from './session.ts'
import { isStale } from './stale.ts'
import { mention } from './views.ts'
import { words } from './words.ts'

let changeToken = ''

export function changePassword(): void {
  onSubmit<{ changeToken: string }>(
    'password-request',
    accountForm({
      send: ({ currentPassword }) => callAsMe({ path: 'password-change/request', body: { currentPassword } }),
      done: body => {
        changeToken = body.changeToken
        step(2)
        find('[data-step-lead]').focus()
      },
    }),
  )
  onSubmit(
    'password-confirm',
    accountForm({
      send: ({ code, newPassword }) =>
        callAsMe({ path: 'password-change/confirm', body: { changeToken, code, newPassword } }),
      done: () => {
        leave('password_set')
        return leaving
      },
      fieldOf: (failure, values): Record<string, string> => {
        if (failure.code === 'code_invalid') return { code: words.problems.code_invalid }
        if (isStale(failure)) return { code: words.codeExpired }
        return rejection(failure, values, myEmail())
      },
    }),
  )
  onPress('cancel-password', () => {
    changeToken = ''
    step(1)
    find('#password-request-currentPassword').focus()
  })
}

function step(number: 1 | 2): void {
  for (const part of document.querySelectorAll<HTMLElement>('[data-step]')) {
    part.hidden = part.dataset['step'] !== String(number)
  }
  clearForm('password-request')
  clearForm('password-confirm')
  mention(myEmail())
}
