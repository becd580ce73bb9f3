import { client } from './api.ts'
import { onPress } from './dom.ts'
import './page.ts'
import { askForMail } from './mailed-code.ts'
import { resetByCode } from './reset.ts'
import { skipWhenLoggedIn } from './session.ts'
import { show } from './views.ts'

void skipWhenLoggedIn()
askForMail('request', client.requestPasswordReset)
resetByCode()
onPress('start-over', () => show('form'))
