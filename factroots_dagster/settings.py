"""The platform's settings: one typed object, read from `FACTROOTS_*` variables and `factroots.toml`.

The environment takes precedence over the file, which is looked for in the working directory. Invalid values
are reported with the names of their settings when the settings are read, before any work.
"""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from datetime import datetime
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from factroots_dagster.corpora.collection.choices import CorpusChoice, parse_corpora
from factroots_dagster.corpora.schema import WIKIPEDIA
from factroots_dagster.errors import InputError
from factroots_dagster.facts.cldr import EDITION
from factroots_dagster.facts.questions import QuestionSource
from factroots_dagster.facts.worlds import is_imported, list_imported, read_import
from factroots_dagster.languages.geography import MLAMA_PLACES
from factroots_dagster.sandbox.dials import PRESETS, Dials, languages_of, parse_dials, with_nothing_in_common
from factroots_dagster.spark.connectors import missing_connector, scheme_of
from factroots_dagster.spark.session import JAVA_OPTIONS_VARIABLE, MEMORY
from factroots_dagster.store.objects import cache_folder, cached_uri
from factroots_dagster.store.store import check_name

Tracker = Literal["none", "trackio", "wandb"]
GENERATED_WORLDS = ("sandbox", "disjoint")
OWN_WORLDS = (*GENERATED_WORLDS, "mlama", "cldr")
"""Worlds that exist by themselves; others are imported."""
MLAMA_LANGUAGES = tuple(MLAMA_PLACES)
SPARK_MEMORY = re.compile("[1-9][0-9]*[mg]")
SPARK_MASTER = re.compile(
    r"local|local\[(\*|[1-9][0-9]*)(,\s*[1-9][0-9]*)?\]|local-cluster\[[0-9, ]+\]|yarn|(spark|k8s)://\S+"
)
OTHER_VARIABLES = (JAVA_OPTIONS_VARIABLE, "FACTROOTS_TEST_DATA")
"""Variables with our prefix that are no settings: Spark's options, and where tests find real data."""
EXCERPT_LENGTH = 200
"""Characters that an error shows from the beginning and from the end of a long text."""


class Settings(BaseSettings):
    """Where data come from and go to, what is computed from them, and on which hardware."""

    model_config = SettingsConfigDict(
        env_prefix="FACTROOTS_", toml_file="factroots.toml", extra="forbid", frozen=True
    )

    cache: Path | None = Field(
        default=None, description="folder of the caches of object stores; empty: in the user's cache folder"
    )
    data_root: Path = Field(
        default=Path("data"),
        description="folder that all data are written to; s3://bucket/prefix or gs://bucket/prefix stands "
        "for the folder that caches what is there",
    )
    world: str = Field(
        default="sandbox",
        description="the generated world, its negative control, mLAMA or facts of CLDR with real Wikipedias, "
        "or a world whose facts were imported",
    )
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated language codes; empty: all of the world"
    )
    relations: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated relations of a fact set, such as P36,P103; empty: all"
    )
    sample: int = Field(default=0, ge=0, description="at most so many facts of a relation; 0: all of them")
    sample_seed: int = Field(default=0, ge=0, description="which facts the sample has")
    mlama_source: str = Field(default="", description="URL, folder, .zip or .tar.*; empty: known mirrors")
    corpora: str = Field(
        default=WIKIPEDIA,
        description="comma-separated corpora of a real world: wikipedia, or name=location with options",
    )
    wikipedia_source: str = Field(
        default="https://dumps.wikimedia.org",
        description="folder of dumps, or base URL in Wikimedia's layout",
    )
    wikipedia_snapshot: str = Field(default="latest", description="date of the dumps (YYYYMMDD), or latest")
    wikipedia_lists: bool = Field(
        default=True, description="whether the text of articles includes list items (the paper left them out)"
    )
    wordpiece_checkpoint: str = Field(
        default="",
        description="registered checkpoint whose tokenizer the matcher wordpiece_chunk uses; empty: none",
    )
    checkpoints: Path | None = Field(
        default=None, description="registry file, or folder of checkpoints; empty: a file in the data root"
    )
    spark_master: str = Field(default="local[*]", description="Spark master URL")
    spark_memory: str = Field(
        default=MEMORY, description="memory of Spark's Java process here, as 3g or 800m"
    )
    on_alert: str = Field(
        default="",
        description="command that gets failed runs and other problems on its standard input; empty: none",
    )
    tracking: Tracker = Field(
        default="none", description="tracker that gets the numbers of each checkpoint: none, trackio or wandb"
    )
    tracking_project: str = Field(
        default="factroots", min_length=1, description="the tracker's project that they are logged to"
    )
    openlineage: str = Field(
        default="", description="file that gets an OpenLineage event per partition that is made; empty: none"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="what Dagster's log lines are: text, or one JSON object each"
    )
    device: str = Field(
        default="auto",
        pattern=r"^(auto|mps|cuda|split|(cpu|cuda:[0-9]+)(, *(cpu|cuda:[0-9]+))*)$",
        description="where models run: auto, cpu, mps, cuda, one GPU of several (cuda:1), several of them "
        "(cuda:0,cuda:1; a process each), or split (layers of a model are divided among all GPUs)",
    )
    precision: Literal["auto", "fp32", "bf16"] = Field(
        default="auto",
        description="number format of models; bf16 is faster on GPUs and changes some predictions; auto: "
        "bf16 on GPUs that compute in it, else fp32",
    )
    activations: Literal["fp32", "bf16", "int4"] = Field(
        default="fp32",
        description="number format of stored activations; bf16 takes half of the disk, int4 an eighth",
    )
    start_token: str = Field(
        default="",
        description="token that a decoder's sentences begin with; empty: what its tokenizer puts first, else "
        "its beginning-of-sentence token, else its end-of-sentence token",
    )
    questions: QuestionSource = Field(
        default="none",
        description="templates in the form of a question, for decoders: none; shipped (five relations in the "
        "languages of mLAMA); release (question_templates.jsonl of the fact set)",
    )
    protocols: Annotated[tuple[Literal["pll", "left_to_right", "confidence"], ...], NoDecode] = Field(
        default=(),
        description="comma-separated additional probing protocols for masked models: pll (typed ranking by "
        "pseudo-log-likelihood, slow), left_to_right and confidence (masks are filled one after another)",
    )
    mask_counts: Literal["relation", "object"] = Field(
        default="relation",
        description="numbers of masks in a fact's prompts for masked models: every length in tokens that an "
        "object of the relation has, or only that of its own object (several times faster, same P@1, neurons "
        "and types, but without typed ranking, prior and partial matches)",
    )
    ranked_by: Literal["sentence", "object"] = Field(
        default="sentence",
        description="what a decoder's candidates are ranked by: the likelihood of the whole sentence, or of "
        "its part up to the object where the subject stands in it (several times faster, other ranks)",
    )
    sandbox_seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the generated worlds")
    sandbox_preset: str = Field(
        default="demo", description=f"kind of the generated world: {', '.join(PRESETS)}"
    )
    sandbox_dials: str = Field(
        default="", description="comma-separated name=value of the dials that differ from the preset's"
    )
    sandbox_training_seed: int | None = Field(
        default=None, ge=0, lt=2**32, description="seed of the sandbox's trainings; empty: the world's"
    )
    sandbox_blocks: int = Field(
        default=8, ge=1, le=53, description="retrainings among which a fact's stating languages are divided"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @field_validator("languages", "relations", "protocols", mode="before")
    @classmethod
    def _split_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(item.strip() for item in value.split(",") if item.strip())
        return value

    @field_validator("wikipedia_snapshot")
    @classmethod
    def _snapshot_is_a_date(cls, value: str) -> str:
        if value != "latest":
            try:
                if not re.fullmatch("[0-9]{8}", value):
                    raise ValueError
                datetime.strptime(value, "%Y%m%d")
            except ValueError:
                raise ValueError("it is neither 'latest' nor a date such as 20230501") from None
        return value

    @field_validator("data_root", mode="before")
    @classmethod
    def _data_root_is_a_folder(cls, value: object, info: ValidationInfo) -> object:
        if value == "":
            raise ValueError("it is empty; name the folder that data are written to")
        if scheme_of(str(value)):
            try:
                return cache_folder(str(value), info.data.get("cache"))
            except InputError as error:
                raise ValueError(f"{error.problem}; {error.remedy}") from None
        if isinstance(value, str | Path) and Path(value).exists() and not Path(value).is_dir():
            raise ValueError("it is a file; name a folder")
        return value

    @field_validator("world")
    @classmethod
    def _world_exists(cls, value: str, info: ValidationInfo) -> str:
        data_root = info.data.get("data_root")  # None where it is invalid, which is reported by itself
        if value in OWN_WORLDS or data_root is None:
            return value
        if not is_imported(data_root, check_name(value, "world")):
            worlds = ", ".join((*OWN_WORLDS, *list_imported(data_root)))
            raise ValueError(
                f"there is no such world in {data_root}, only {worlds}; factroots facts import makes others"
            )
        return value

    @field_validator("corpora")
    @classmethod
    def _corpora_can_be_parsed(cls, value: str) -> str:
        for choice in parse_corpora(value):
            scheme = scheme_of(choice.location)
            if scheme and (library := missing_connector(scheme)):
                raise ValueError(
                    f"corpus {choice.name} is at {scheme}://, which Spark reads with {library} only; name it "
                    "in spark.jars.packages in spark-defaults.conf, or copy the files into a folder"
                )
        return value

    @field_validator("cache", "checkpoints", mode="before")
    @classmethod
    def _folders_are_local(cls, value: object) -> object:
        if scheme := scheme_of(str(value)):
            raise ValueError(
                f"{scheme}:// does not work here; name a folder, local or mounted on all machines"
            )
        return value

    @field_validator("tracking", "openlineage")
    @classmethod
    def _package_is_installed(cls, value: str, info: ValidationInfo) -> str:
        package = value if info.field_name == "tracking" else "openlineage"
        if value not in ("none", "") and find_spec(package) is None:
            raise ValueError(f"{package} is not installed; pip install 'factroots-dagster[{package}]'")
        return value

    @field_validator("wikipedia_source", "mlama_source")
    @classmethod
    def _sources_are_local_or_on_the_web(cls, value: str) -> str:
        if (scheme := scheme_of(value)) not in (None, "http", "https"):
            raise ValueError(f"{scheme}:// does not work here; give a folder, or an http or https address")
        return value

    @field_validator("sandbox_preset")
    @classmethod
    def _preset_exists(cls, value: str) -> str:
        parse_dials(value)
        return value

    @field_validator("sandbox_dials")
    @classmethod
    def _dials_are_valid(cls, value: str, info: ValidationInfo) -> str:
        if "sandbox_preset" in info.data:  # an invalid one is reported by itself
            parse_dials(info.data["sandbox_preset"], value)
        return value

    @field_validator("relations")
    @classmethod
    def _relations_are_of_a_fact_set(cls, value: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if value and info.data.get("world") in GENERATED_WORLDS:
            raise ValueError("a generated world has the relations of its preset; use the dial relations")
        if len(set(value)) != len(value):
            raise ValueError("a relation is listed twice")
        return value

    @field_validator("sample")
    @classmethod
    def _sample_is_of_a_fact_set(cls, value: int, info: ValidationInfo) -> int:
        if value and info.data.get("world") in GENERATED_WORLDS:
            raise ValueError("a generated world has the facts of its preset; use the dial facts_per_relation")
        return value

    @field_validator("spark_master")
    @classmethod
    def _spark_master_is_valid(cls, value: str, info: ValidationInfo) -> str:
        if not SPARK_MASTER.fullmatch(value):
            raise ValueError(
                "it is none of local[*], local[4], spark://host:7077, yarn and k8s://https://host:443"
            )
        root, cache = info.data.get("data_root"), info.data.get("cache")
        if not value.startswith("local") and root is not None and cached_uri(root) and cache is None:
            raise ValueError(
                "Spark's workers have caches of the object store, too, by the same path: set FACTROOTS_CACHE "
                "to a folder that they can write, or use local[*]"
            )
        return value

    @field_validator("spark_memory")
    @classmethod
    def _spark_memory_is_valid(cls, value: str) -> str:
        if not SPARK_MEMORY.fullmatch(value):
            raise ValueError("it is no amount of memory, such as 3g or 800m")
        return value

    @model_validator(mode="after")
    def _languages_exist(self) -> Settings:
        available = self.world_languages
        unknown = [code for code in self.languages if code not in available]
        if unknown:
            raise ValueError(
                f"{', '.join(unknown)} not in world {self.world!r}, which has {', '.join(available)}"
            )
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("a code is listed twice")
        return self

    @property
    def data_place(self) -> str:
        """The data root as it was named: an absolute path, or the URI of an object store."""
        return cached_uri(self.data_root) or str(self.data_root.absolute())

    @property
    def active_languages(self) -> tuple[str, ...]:
        """The selected languages in the world's order; all of the world when none is selected."""
        return tuple(code for code in self.world_languages if not self.languages or code in self.languages)

    @property
    def world_languages(self) -> tuple[str, ...]:
        """The language codes of the world, in its order."""
        if self.imported:
            return read_import(self.data_root, self.world).languages
        return tuple(languages_of(self.dials)) if self.generated else MLAMA_LANGUAGES

    @property
    def corpus_choices(self) -> tuple[CorpusChoice, ...]:
        """The corpora of the world: those of FACTROOTS_CORPORA, or the one of a generated world."""
        return (CorpusChoice(WIKIPEDIA),) if self.generated else parse_corpora(self.corpora)

    @property
    def dials(self) -> Dials:
        """The dials of the generated world; in its negative control languages have nothing in common."""
        dials = parse_dials(self.sandbox_preset, self.sandbox_dials)
        return with_nothing_in_common(dials) if self.world == "disjoint" else dials

    @property
    def training_seed(self) -> int:
        """The seed of the sandbox's trainings."""
        return self.sandbox_seed if self.sandbox_training_seed is None else self.sandbox_training_seed

    @property
    def generated(self) -> bool:
        """Whether the world is a generated one, whose planted truth is known."""
        return self.world in GENERATED_WORLDS

    @property
    def imported(self) -> bool:
        """Whether the facts of the world were imported."""
        return self.world not in OWN_WORLDS

    @property
    def fact_set(self) -> str | None:
        """What identifies the facts of a world that has no source in the settings; None where it has one."""
        if self.imported:
            return read_import(self.data_root, self.world).digest
        return f"Babel {version('babel')}, edition {EDITION}" if self.world == "cldr" else None


def load_settings(**chosen: str | None) -> Settings:
    """The settings from the environment and `factroots.toml`.

    chosen: values by the names of settings, in place of those; None where nothing was chosen.
    Raises InputError that names every invalid or misspelt setting, or says that the file is not TOML.
    """
    if unknown := _unknown_variables():
        raise InputError("; ".join(map(_describe_unknown, unknown)), "correct or unset it")
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})  # type: ignore[arg-type]
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            # The rest of a location is the position within a list; the validator of languages has none.
            name = str(problem["loc"][0]).upper() if problem["loc"] else "LANGUAGES"
            got = f" (got {_shorten(_hide_secrets(repr(problem['input'])))})" if problem["loc"] else ""
            if problem["type"] == "extra_forbidden":
                lines.append(_describe_unknown(f"FACTROOTS_{name}"))
                continue
            message = _shorten(problem["msg"].removeprefix("Value error, "))
            lines.append(f"FACTROOTS_{name}: {message}{got}")
        raise InputError(
            "invalid settings: " + "; ".join(lines), "correct them in the environment or in factroots.toml"
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"factroots.toml: not TOML in UTF-8 ({error})", "correct the file or remove it"
        ) from None
    except UnicodeEncodeError as error:
        raise InputError(f"invalid settings: {error.object!r} is not UTF-8", "write it in UTF-8") from None


def load_data_root() -> Path:
    """The data root of the settings, also where they name a world that is yet to be imported."""
    return load_settings(world="mlama", languages="").data_root


def _hide_secrets(text: str) -> str:
    """A text without what may be a password or a signature in a URI."""
    return re.sub(r"\?.*=.*", "?***", re.sub(r"(?<=:/).*@", "/***@", text))


def _unknown_variables() -> list[str]:
    known = {*OTHER_VARIABLES, *_setting_names()}
    return sorted(name for name in os.environ if name.startswith("FACTROOTS_") and name not in known)


def _describe_unknown(name: str) -> str:
    """That there is no such setting, and the one that is spelt most like it."""
    nearest = difflib.get_close_matches(name, _setting_names(), n=1, cutoff=0.8)
    return f"there is no setting {name}" + (f" (did you mean {nearest[0]}?)" if nearest else "")


def _setting_names() -> list[str]:
    return [f"FACTROOTS_{name.upper()}" for name in Settings.model_fields]


def _shorten(text: str, length: int = EXCERPT_LENGTH) -> str:
    return text if len(text) <= 2 * length else f"{text[:length]} ... {text[-length:]}"
