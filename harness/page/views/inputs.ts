import { ENGINES } from '../../../src/engines/index.ts';
import { RECIPE_NAMES, type RecipeName } from '../../../src/recipes.ts';
import { byId, element, fill } from '../dom.ts';
import type { FileKind } from '../files.ts';
import type { Lab } from '../lab.ts';
import type { LabState } from '../state.ts';

const RECIPES: Readonly<Record<RecipeName, string>> = {
  torchvision: 'torchvision: 256, crop 224, normalised',
  inception: 'inception: resized, bytes as they are',
  nsfwjs: 'nsfwjs: resized, divided by 255',
  none: 'none: bytes as they are, no resizing',
};

/** Listens to everything that a person can choose with. */
export function bindInputs(lab: Lab): void {
  bindChooser('drop', 'any-file', lab);
  bindChooser('choose-model', 'model-file', lab, 'model');
  byId('example').addEventListener('click', () => void lab.useExample());
  byId('default-model').addEventListener('click', () => lab.useDefaultModel());
  bindDropping(lab);
  addEventListener('paste', ({ clipboardData }) => {
    if (clipboardData?.files.length) void lab.openFiles([...clipboardData.files]);
  });

  const recipe = byId<HTMLSelectElement>('recipe');
  fill(
    recipe,
    element('option', { value: '' }, 'choose …'),
    ...RECIPE_NAMES.map((name) => element('option', { value: name }, RECIPES[name])),
  );
  recipe.addEventListener('change', () => lab.setRecipe((recipe.value || undefined) as RecipeName | undefined));

  const engine = byId<HTMLSelectElement>('engine-choice');
  fill(
    engine,
    element('option', { value: '' }, 'the engine that the file is for'),
    ...ENGINES.map(({ name, description }) => element('option', { value: name, title: description }, name)),
  );
  engine.addEventListener('change', () => lab.setEngine(engine.value || undefined));
}

function bindChooser(buttonId: string, inputId: string, lab: Lab, kind?: FileKind): void {
  const input = byId<HTMLInputElement>(inputId);
  byId(buttonId).addEventListener('click', () => input.click());
  input.addEventListener('change', () => {
    void lab.openFiles([...(input.files ?? [])], kind);
    // so that the same file can be chosen again
    input.value = '';
  });
}

/** Files can be dropped anywhere on the page; the drop zone shows it. */
function bindDropping(lab: Lab): void {
  const zone = byId('drop');
  addEventListener('dragover', (event) => {
    event.preventDefault();
    zone.classList.add('over');
  });
  addEventListener('dragleave', ({ relatedTarget }) => {
    if (!relatedTarget) zone.classList.remove('over');
  });
  addEventListener('drop', (event) => {
    event.preventDefault();
    zone.classList.remove('over');
    void lab.openFiles([...(event.dataTransfer?.files ?? [])]);
  });
}

/** What was chosen. */
export function showInputs({ picture, model, recipe, engine, plan }: LabState): void {
  const preview = byId('preview');
  const shown = preview.querySelector('img')?.src;
  if (picture && shown !== picture.url)
    fill(preview, element('img', { src: picture.url, alt: `The picture ${picture.name}` }));
  byId<HTMLSelectElement>('recipe').value = recipe ?? '';
  byId<HTMLSelectElement>('engine-choice').value = engine ?? '';
  byId('engine').textContent = plan ? `${plan.engine.name}: ${plan.engine.description}` : '';
  fill(
    byId('model'),
    element('p', { class: 'model-name' }, element('strong', {}, model.name)),
    model.description === undefined ? undefined : element('p', { class: 'hint' }, model.description),
  );
}
