// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { confirmPage } from './confirm-page.ts'

confirmPage('confirm-email')
