import type { Messages } from '../language.ts'
import { browser } from './browser.ts'
import { mails } from './mails.ts'
import { pages } from './pages.ts'

export const de: Messages = { language: 'de', mails, pages, browser }
