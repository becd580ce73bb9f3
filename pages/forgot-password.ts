import { onPress } from './dom.ts'
import './page.ts'
import { askForReset, redeemCode } from './reset-by-code.ts'
import { skipWhenLoggedIn } from './session.ts'
import { show } from './views.ts'

void skipWhenLoggedIn()
askForReset('request')
redeemCode()
onPress('start-over', () => show('form'))
