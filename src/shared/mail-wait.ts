/** Longest time that the email of a request may wait for its turn, in seconds (see `nextTurn` in mail/caps.ts). */
export const LONGEST_MAIL_WAIT = 1770
