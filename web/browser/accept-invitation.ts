// First: it takes the token out of the address bar before anything else runs.
import './fragment.ts'
import { client } from './api.ts'
import { confirmPage } from './confirm-page.ts'

confirmPage(client.acceptInvitation)
