/** The name under which this browser's user works; goes into each event's `meta.user`. */

import { createContext, type ReactNode, use, useMemo, useState } from "react";

const STORAGE_KEY = "flux-capacitor-notes.user";

interface UserName {
  readonly userName: string;
  readonly setUserName: (name: string) => void;
}

const UserNameContext = createContext<UserName>({ userName: "", setUserName: () => {} });

export function UserNameProvider({ children }: { readonly children: ReactNode }): ReactNode {
  const [userName, setName] = useState(readStored);
  const value = useMemo(
    () => ({
      userName,
      setUserName: (name: string) => {
        setName(name);
        store(name);
      },
    }),
    [userName],
  );
  return <UserNameContext value={value}>{children}</UserNameContext>;
}

export function useUserName(): UserName {
  return use(UserNameContext);
}

/** Browsers may forbid storage; the name then lasts as long as the page. */
function readStored(): string {
  try {
    return localStorage.getItem(STORAGE_KEY) ?? "";
  } catch {
    return "";
  }
}

function store(name: string): void {
  try {
    localStorage.setItem(STORAGE_KEY, name);
  } catch {}
}
