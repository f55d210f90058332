"""Every figure of the practical behind chapter 5, and the cell of the chapter that shows it.

The practical is a page of cells with pictures below them. Here each picture, in its order, has the
words of the chapter's cell that draws the same, and words of the alt text that the cell must have.
"""

import nbformat
import pytest

import notebooks

# What the practical's picture shows; what stands in the chapter's cell; what its alt text says.
FIGURES = {
    "three targets": ("TARGETS.items()", "complex"),
    "fifteen points of the middle target": ("Fifteen points", '15 points of the target "middle"'),
    "test of the training: network and points": ("plot_net(net", "MLPdeep"),
    "test of the training: loss": ("relative_movement(net.weight_history)", "of its start"),
    "LinSin(8): function and points": ("LinSin, feature_dim 8", "feature_dim 8"),
    "LinSin(8): loss and movement": ("few.weight_history", "the least possible"),
    "LinSin(200): function and points": ("LinSin, feature_dim 200", "feature_dim 200"),
    "LinSin(200): loss and movement": ("many.weight_history", "Relative movement"),
    "ten LinSin(100) at initialisation": ("ten.weights[0] @ on_grid.T", "at initialisation"),
    "ten LinSin(100) after training": ("ten.weights[-1] @ on_grid.T", "after training"),
    "ten LinSin(100): loss and movement": ("ten.losses", "Of 10 models"),
    "ten MLPshallow(10) at initialisation": (
        "shallow.outputs(grid, at_start=True)",
        "10 models",
    ),
    "ten MLPshallow(10) after training": ("shallow.outputs(grid), dataset", "after training"),
    "ten MLPshallow(10): loss and movement": ("shallow.movement", "Of 10 models"),
    "four widths at initialisation": ("run.outputs(grid, at_start=True) for run", "width 1000"),
    "four widths after training": ("run.outputs(grid) for run in runs", "width 1000"),
    "four widths: loss and movement": ("run.movement for run in runs", "width 1000: loss"),
    "four widths after 50,000 steps": ("steps=long_steps", "After 50000 steps"),
    "at bad initialisation": ("from_bad.outputs(grid, at_start=True)", "at initialisation"),
    "after training from it": ("from_bad.outputs(grid), dataset", "after training"),
    "bad initialisation: loss and movement": ("from_bad.movement", "the bad start"),
    "scaled models at initialisation": (
        "scaled.outputs(grid64, at_start=True)",
        "alpha 1000",
    ),
    "scaled models after training": ("scaled.outputs(grid64)[first_of_each]", "alpha 1000"),
    "scaled models: loss and movement": ("scaled.movement[:, first_of_each]", "alpha 1000: loss"),
    "the model h against its weight": ("plot_h()", "h(1.5; w)"),
    "loss landscapes of eight scales": ("plot_landscapes()", "α = 10,000"),
    "loss landscapes labelled ??": ("plot_unlabelled()", "solid line lowest"),
    "difference in successive weights": ("steps_made", "change / size"),
    "X times its transpose": ("plot_matrix(square, ax=axes[0])", "X times its transpose"),
    "its diagonal form": ("diagonal=True", "basis of its eigenvectors"),
    "least squares: loss and distance": ("plot_descents(", "distance 6.9"),
    "coordinates in the eigenbasis": ("plot_moved(square)", "100 move"),
    "fifty points with noise": ("LinSin, feature_dim 30", "50 points"),
    "LinSin(30): training loss and true risk": ('("true risk", risk)', "true risk"),
    "train and test over the dimensions": ("plot_u_curve(trained)", "198"),
    "contours with the paths": ("flow_plots.plot_paths(", "paths from 12 starts"),
    "final values, small rate": ("plot_final_values(ends)", "small"),
    "final values, large rate": ("plot_final_values(ends)", "large rate"),
}


@pytest.fixture(scope="module")
def cells():
    path = next(path for path in notebooks.chapters() if path.name.startswith("5-"))
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]


@pytest.mark.parametrize("figure", FIGURES)
def test_the_chapter_shows_every_figure_of_the_practical(figure, cells):
    words, said = FIGURES[figure]
    showing = [
        cell
        for cell in cells
        if "".join(words.split()) in "".join(cell.source.split())
        and said in cell.metadata.get("mystnb", {}).get("image", {}).get("alt", "")
    ]
    assert len(showing) == 1
