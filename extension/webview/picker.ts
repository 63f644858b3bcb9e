/** A button that says what is in force, and a list to choose something else: by mouse, by arrows, or by typing a few letters of it. */
import { html, LitElement, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, query, state } from "lit/decorators.js";

export interface Option {
  value: string;
  label: string;
  icon?: string;
  words?: string;
  unavailable?: string;
}

@customElement("treadle-picker")
export class Picker extends LitElement {
  /** What is chosen here, for the reader: "Model". */
  @property({ attribute: false }) name = "";
  @property({ attribute: false }) icon = "";
  @property({ attribute: false }) label = "";
  @property({ attribute: false }) value = "";
  @property({ attribute: false }) options: Option[] = [];
  /** With a field to search in. */
  @property({ attribute: false }) search = false;
  /** What is typed may be a value of its own, which no list has. */
  @property({ attribute: false }) free = false;
  @property({ attribute: false }) risky = false;
  /** For the thread that is open, or for new ones: said on top, and whether the other can be had, too. */
  @property({ attribute: false }) ofThread = false;
  @property({ attribute: false }) choose?: (value: string, forNew: boolean) => void;
  /** The keyboard goes back there when the list is closed by it. */
  @property({ attribute: false }) done?: () => void;
  @state() private isOpen = false;
  @state() private wanted = "";
  @state() private at = 0;
  @state() private forNew = false;
  @query("button.pick") private button?: HTMLButtonElement;
  @query(".popup .list") private list?: HTMLElement;
  @query(".popup input.find") private field?: HTMLInputElement;

  override createRenderRoot(): HTMLElement {
    return this;
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    document.removeEventListener("mousedown", this.outside);
  }

  /** Options that come, or go, while the list is open must not put another one under Enter. */
  override willUpdate(changed: PropertyValues<this>): void {
    const before = changed.get("options");
    if (!before || !this.isOpen) return;
    const chosen = this.matching(before)[this.at]?.value;
    const at = this.shown.findIndex((option) => option.value === chosen);
    this.at = at < 0 ? Math.min(this.at, Math.max(0, this.shown.length - 1)) : at;
  }

  open(wanted = ""): void {
    this.isOpen = true;
    this.forNew = false;
    this.wanted = wanted;
    this.at = Math.max(
      0,
      this.shown.findIndex((option) => option.value === this.value),
    );
    document.addEventListener("mousedown", this.outside);
    void this.updateComplete.then(() => {
      (this.field ?? this.list)?.focus();
      this.reveal();
    });
  }

  /** Chooses by its name; false when there is no such one. */
  pick(wanted: string): boolean {
    const key = wanted.toLowerCase();
    const found =
      this.options.find((option) => option.value.toLowerCase() === key || option.label.toLowerCase() === key) ??
      this.options.find((option) => option.label.toLowerCase().startsWith(key));
    if (!found || found.unavailable) return false;
    this.choose?.(found.value, false);
    return true;
  }

  private get shown(): Option[] {
    return this.matching(this.options);
  }

  private matching(options: Option[]): Option[] {
    const words = this.wanted.toLowerCase().split(/\s+/).filter(Boolean);
    if (!words.length) return options;
    const found = options.filter((option) => {
      const all = `${option.label} ${option.value} ${option.words ?? ""}`.toLowerCase();
      return words.every((word) => all.includes(word));
    });
    const own = this.wanted.trim();
    const isNew = this.free && !/\s/.test(own) && !options.some((option) => option.value === own);
    return isNew ? [...found, { value: own, label: `Use ${own}`, icon: "edit" }] : found;
  }

  private readonly outside = (event: Event) => {
    if (!this.contains(event.target as Node)) this.close(false);
  };

  private close(byKey: boolean): void {
    this.isOpen = false;
    document.removeEventListener("mousedown", this.outside);
    if (byKey) (this.done ?? (() => this.button?.focus()))();
  }

  private take(option: Option | undefined): void {
    if (!option || option.unavailable) return;
    this.choose?.(option.value, this.forNew);
    this.close(true);
  }

  private key(event: KeyboardEvent): void {
    const { shown } = this;
    const moves: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8 };
    const by = moves[event.key];
    if (by !== undefined && shown.length) this.at = Math.max(0, Math.min(shown.length - 1, this.at + by));
    else if (event.key === "Home" && !this.search) this.at = 0;
    else if (event.key === "End" && !this.search) this.at = shown.length - 1;
    else if (event.key === "Escape") this.close(true);
    else if (event.key === "Enter" || (event.key === " " && !this.search)) this.take(shown[this.at]);
    else return;
    event.preventDefault();
    event.stopPropagation();
    void this.updateComplete.then(() => this.reveal());
  }

  private reveal(): void {
    this.list?.querySelector(".chosen")?.scrollIntoView({ block: "nearest" });
  }

  /** The keyboard went somewhere else: the list is of no use any more. */
  private left(event: FocusEvent): void {
    if (event.relatedTarget && !this.contains(event.relatedTarget as Node)) this.close(false);
  }

  override render(): TemplateResult {
    const { name, label, icon, isOpen } = this;
    return html`<button
        class="pick ${this.risky ? "risky" : ""}"
        aria-haspopup="listbox"
        aria-expanded=${isOpen}
        aria-label="${name}: ${label}"
        title="${name}: ${label}"
        @click=${() => (isOpen ? this.close(true) : this.open())}
      >
        <span class="codicon codicon-${icon}" aria-hidden="true"></span><span class="text">${label}</span>
        <span class="codicon codicon-chevron-down" aria-hidden="true"></span>
      </button>
      ${isOpen ? this.popup() : nothing}`;
  }

  private popup(): TemplateResult {
    const id = `treadle-pick-${this.name.replace(/\W+/g, "-")}`;
    const { shown } = this;
    const active = shown[this.at] ? `${id}-${this.at}` : nothing;
    return html`<div class="popup picker" @keydown=${this.key} @focusout=${this.left}>
      <div class="title">${this.name}<span class="for">${this.ofThread ? "this thread, from its next turn on" : "new threads"}</span></div>
      ${
        this.search
          ? html`<input class="find" type="text" role="combobox" aria-expanded="true" aria-controls=${id} aria-activedescendant=${active}
              aria-label="Find: ${this.name}" placeholder="Find…" .value=${this.wanted} @input=${this.typed} />`
          : nothing
      }
      <div class="list" id=${id} role="listbox" tabindex=${this.search ? "-1" : "0"} aria-label=${this.name} aria-activedescendant=${active}>
        ${shown.map((option, index) => this.option(option, index, id))}
        ${shown.length ? nothing : html`<div class="none" role="option" aria-disabled="true" aria-selected="false">Nothing has this name</div>`}
      </div>
      ${
        this.ofThread
          ? html`<label class="also"><input type="checkbox" .checked=${this.forNew} @change=${this.also} /><span>For new threads, too</span></label>`
          : nothing
      }
    </div>`;
  }

  private typed(event: Event): void {
    this.wanted = (event.target as HTMLInputElement).value;
    this.at = 0;
  }

  private also(event: Event): void {
    this.forNew = (event.target as HTMLInputElement).checked;
  }

  private option(option: Option, index: number, id: string): TemplateResult {
    const inForce = option.value === this.value;
    return html`<div
      class="choice ${index === this.at ? "chosen" : ""} ${option.unavailable ? "off" : ""}"
      id="${id}-${index}"
      role="option"
      aria-selected=${inForce}
      aria-disabled=${option.unavailable ? "true" : "false"}
      @mousedown=${(event: Event) => event.preventDefault()}
      @click=${() => this.take(option)}
    >
      <span class="codicon codicon-${inForce ? "check" : (option.icon ?? "blank")}" aria-hidden="true"></span>
      <span class="both"><span class="label">${option.label}</span>${option.unavailable || option.words ? html`<span class="words">${option.unavailable ?? option.words}</span>` : nothing}</span>
    </div>`;
  }
}
