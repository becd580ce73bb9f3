export { browser } from '../en/browser.ts'
