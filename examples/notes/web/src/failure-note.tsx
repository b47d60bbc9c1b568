/** What went wrong, where it went wrong. */

import type { ReactNode } from "react";
import type { Failure } from "./use-command.ts";

export function FailureNote({ failure }: { readonly failure: Failure | undefined }): ReactNode {
  if (failure === undefined) return null;
  return (
    <p className="failure" role="alert">
      {failure.message}
    </p>
  );
}
