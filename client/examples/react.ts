import type { Client, SessionState, User } from '@latchkey/client'
import { useEffect, useState, useSyncExternalStore } from 'react'

const ON_THE_SERVER: SessionState = { status: 'unknown' }

/** The session and its user. The component renders again when either changes, in this tab or in another. */
export function useSession(latchkey: Client) {
  const session = useSyncExternalStore(latchkey.subscribe, latchkey.getState, () => ON_THE_SERVER)
  const [user, setUser] = useState<User>()
  useEffect(() => {
    let current = true
    const load = async () => {
      const { status } = await latchkey.restore()
      const me = status === 'logged_in' ? await latchkey.me() : undefined
      if (current) setUser(me?.ok ? me.data : undefined)
    }
    void load()
    return () => {
      current = false
    }
  }, [latchkey, session])
  return { ...session, user }
}
