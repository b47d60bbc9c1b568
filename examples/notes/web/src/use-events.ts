/** Dispatches the events of a form in the user's name. */

import { RejectedError } from "@flux-capacitor/client";
import { useState } from "react";
import { explain, type Failure } from "./failure.ts";
import type { DescribedEvent } from "./note-added.ts";
import { dispatch } from "./store.ts";
import { useUserName } from "./user-name.tsx";

export interface Events {
  /** Dispatches an event; tells whether the reducer here took it. */
  readonly dispatchEvent: (event: DescribedEvent) => Promise<boolean>;
  /** Why it did not. What the server refuses later is told by a notice. */
  readonly failure: Failure | undefined;
}

export function useEvents(): Events {
  const { userName } = useUserName();
  const [failure, setFailure] = useState<Failure>();

  const dispatchEvent = async (event: DescribedEvent): Promise<boolean> => {
    const user = userName.trim();
    try {
      const meta = { ...event.meta, ...(user !== "" && { user }) };
      await dispatch({ ...event, ...(Object.keys(meta).length > 0 && { meta }) }).applied;
      setFailure(undefined);
      return true;
    } catch (error) {
      if (!(error instanceof RejectedError)) throw error;
      setFailure(explain(error.rejection));
      return false;
    }
  };
  return { dispatchEvent, failure };
}
