// A fault in one page leaves the others, and says so.
import { Component, type ReactNode } from "react";

import { Notice } from "./parts.tsx";

interface Props {
  readonly children: ReactNode;
}

export class Fallback extends Component<Props, { readonly failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return (
      <Notice tone="warn">
        This part of the page could not be drawn. Nothing on chain has changed.{" "}
        <button type="button" className="small" onClick={() => this.setState({ failed: false })}>
          Try again
        </button>
      </Notice>
    );
  }
}
