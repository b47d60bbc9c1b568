/** Runs commands for a form: one at a time, with what went wrong in words for the user. */

import { createId, ProblemError } from "@flux-capacitor/client";
import { useRef, useState } from "react";
import { api } from "./api.ts";
import { explain, type Failure } from "./failure.ts";
import { useUserName } from "./user-name.tsx";

export interface Command {
  /** Runs the command; tells whether the server took it. */
  readonly run: (name: string, payload: object) => Promise<boolean>;
  readonly isPending: boolean;
  readonly failure: Failure | undefined;
}

export function useCommand(): Command {
  const { userName } = useUserName();
  const [isPending, setPending] = useState(false);
  const [failure, setFailure] = useState<Failure>();
  const unanswered = useRef<{ readonly wish: string; readonly id: string }>(undefined);

  const run = async (name: string, payload: object): Promise<boolean> => {
    // The same wish again after no answer keeps its id: should it have arrived, it counts once.
    const wish = JSON.stringify([name, payload]);
    if (unanswered.current?.wish !== wish) unanswered.current = { wish, id: createId() };
    const user = userName.trim();
    setPending(true);
    setFailure(undefined);
    try {
      await api.runCommand(name, payload, {
        id: unanswered.current.id,
        ...(user !== "" && { meta: { user } }),
      });
      unanswered.current = undefined;
      return true;
    } catch (error) {
      // Of an error of its own the server may not know what became of the command.
      if (error instanceof ProblemError && error.status < 500) unanswered.current = undefined;
      setFailure(explain(error));
      return false;
    } finally {
      setPending(false);
    }
  };
  return { run, isPending, failure };
}
