import type { Client, User } from '@latchkey/client'
import { onScopeDispose, shallowRef, watch } from 'vue'

/** The session and its user, as refs that change with them, in this tab or in another. */
export function useSession(latchkey: Client) {
  const session = shallowRef(latchkey.getState())
  const user = shallowRef<User>()
  onScopeDispose(
    latchkey.subscribe(() => {
      session.value = latchkey.getState()
    }),
  )
  watch(
    session,
    async (_now, _before, onCleanup) => {
      let current = true
      onCleanup(() => {
        current = false
      })
      const { status } = await latchkey.restore()
      const me = status === 'logged_in' ? await latchkey.me() : undefined
      if (current) user.value = me?.ok ? me.data : undefined
    },
    { immediate: true },
  )
  return { session, user }
}
