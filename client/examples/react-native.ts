import { createClient } from '@latchkey/client'
import * as SecureStore from 'expo-secure-store'

const KEY = 'latchkey.refresh'

export const latchkey = createClient({
  baseUrl: 'https://accounts.example.org',
  storage: {
    get: () => SecureStore.getItemAsync(KEY),
    set: refreshToken => SecureStore.setItemAsync(KEY, refreshToken),
    remove: () => SecureStore.deleteItemAsync(KEY),
  },
})
