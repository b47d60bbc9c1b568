/** What went wrong, where it went wrong. */

import type { ReactNode } from "react";
import type { Failure } from "./failure.ts";

export function FailureNote({ failure }: { readonly failure: Failure | undefined }): ReactNode {
  if (failure === undefined) return null;
  return (
    <div className="failure" role="alert">
      <p>{failure.message}</p>
      <details>
        <summary>Details</summary>
        <p>{failure.detail}</p>
      </details>
    </div>
  );
}
