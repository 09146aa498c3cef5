// Starting a run. Its fields are in the address, so that days that were dragged over can be passed on as a link.

import { useState } from 'preact/hooks';
import { ApiError, write } from '../../api/http.js';
import { useResource } from '../../api/resource.js';
import { Choice } from '../../parts/card.js';
import { Dialog } from '../../parts/dialog.js';
import { Failed } from '../../parts/notice.js';
import { Text } from '../../parts/text.js';
import { dayLater } from '../../format/times.js';
import { html } from '../../html.js';
import { navigate, parameters, setParameters } from '../../state/route.js';
import { may, who } from '../../state/session.js';
import { t } from '../../words/words.js';
import { newKey } from './key.js';

/** @param {string} mode */
const isMode = (mode) => mode === 'window' || mode === 'fast' || mode === 'scaled';

/** The body of the request. @param {FormData} form @param {string} mode */
function bodyOf(form, mode) {
  const text = (/** @type {string} */ name) => String(form.get(name) ?? '').trim() || undefined;
  const last = text('last');
  const body = /** @type {Record<string, unknown>} */ ({ mode, dataset: text('dataset'), rules: text('rules'), start: text('first'), end: last && dayLater(last, 1), reason: text('reason'), space: text('space') });
  if (mode === 'window') body.dry_run = true;
  if (mode === 'scaled') {
    if (text('duration')) body.duration = text('duration');
    else body.scale_factor = Number(text('factor') ?? 100_000);
  }
  return body;
}

export function StartForm() {
  const asked = parameters.value.get('form') ?? 'window';
  const mode = isMode(asked) ? asked : 'window';
  const datasets = useResource('/v1/datasets', { live: false });
  const rules = useResource('/v1/rules', { live: false });
  const [error, setError] = useState(/** @type {ApiError | null} */ (null));
  const [isBusy, setIsBusy] = useState(false);
  const [start, end] = [parameters.value.get('start') ?? '', parameters.value.get('end') ?? ''];
  const close = () => setParameters({ form: null, start: null, end: null, rules: null }, { replace: true });
  const modes = /** @type {[string, string][]} */ ([['window', t('replays.new.window')], ['fast', t('replays.new.fast')], ['scaled', t('replays.new.scaled')]]);
  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    setIsBusy(true);
    setError(null);
    try {
      const body = bodyOf(new FormData(/** @type {HTMLFormElement} */ (event.target)), mode);
      const run = await write('POST', '/v1/runs', body, { 'idempotency-key': newKey() });
      navigate(`/replays/${run.run}${body.space ? `?space=${encodeURIComponent(String(body.space))}` : ''}`);
    } catch (reason) {
      setError(reason instanceof ApiError ? reason : new ApiError('offline', String(reason)));
      setIsBusy(false);
    }
  };
  const lacking = datasets.error?.kind === 'missing';
  const isAllowed = may('replay');
  return html`<${Dialog} title=${t(mode === 'window' ? 'replays.new.correct' : 'replays.new')} onClose=${close}>
    ${lacking && html`<p class="banner"><${Text} of=${t('replays.new.noingest')} /></p>`}
    ${!isAllowed && html`<p class="banner">${t('replays.new.forbidden', { role: who.value?.role ?? '' })}</p>`}
    <div class="field"><span>${t('replays.new.mode')}</span><${Choice} label=${t('replays.new.mode')} options=${modes} value=${mode} onChoose=${(/** @type {string} */ one) => setParameters({ form: one }, { replace: true })} />
      <span>${t(`replays.new.${mode}.note`)}</span></div>
    <form class="stack" onSubmit=${submit}>
      <div class="form-grid">
        <label class="field"><span>${t('replays.new.dataset')}</span><select name="dataset" autofocus required>${(datasets.data?.datasets ?? []).map((/** @type {any} */ one) => html`<option value=${one.name}>${one.name}</option>`)}</select></label>
        <label class="field"><span>${t('replays.rules')}</span><select name="rules" key=${rules.data ? 'known' : 'none'} defaultValue=${parameters.value.get('rules') ?? undefined}>${(rules.data?.rules ?? []).map((/** @type {any} */ one) => html`<option value=${one.name} selected=${one.name === parameters.value.get('rules')}>${one.name}</option>`)}</select></label>
        <label class="field"><span>${t('replays.new.start')}</span><input type="date" name="first" defaultValue=${start} required=${mode === 'window'} /></label>
        <label class="field"><span>${t('replays.new.end')}</span><input type="date" name="last" defaultValue=${end && dayLater(end, -1)} required=${mode === 'window'} /></label>
        ${mode === 'scaled' && html`<label class="field"><span>${t('replays.new.speed.duration')}</span><input type="text" name="duration" placeholder="60s" defaultValue="60s" /></label>
          <label class="field"><span>${t('replays.new.speed.factor')}</span><input type="number" name="factor" min="1" max="1000000" placeholder="100000" /></label>`}
        ${mode !== 'window' && html`<label class="field"><span>${t('replays.new.space')}</span><input type="text" name="space" pattern="[a-z0-9\\-]{1,30}" /><span>${t('replays.new.space.note')}</span></label>`}
      </div>
      <label class="field"><span>${t('replays.new.reason')}</span><input type="text" name="reason" maxlength="500" /></label>
      ${error && html`<${Failed} error=${error} />`}
      <div class="row"><button class="button main-action" disabled=${isBusy || lacking || !isAllowed}>${t(mode === 'window' ? 'replays.new.rehearse' : 'replays.new.start.go')}</button>
        <button class="button" type="button" onClick=${close}>${t('common.cancel')}</button></div>
    </form>
  </${Dialog}>`;
}
