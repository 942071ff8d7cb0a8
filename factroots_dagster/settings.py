"""The platform's settings: one typed object, from `FACTROOTS_*` variables or `factroots.toml`.

The environment wins over the file; the file is looked for in the working directory. A wrong value is
refused by name when the settings are read, before any work.
"""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from factroots_dagster.errors import InputError
from factroots_dagster.facts.mlama.languages import MLAMA_LANGUAGES
from factroots_dagster.sandbox.languages import LANGUAGES as SANDBOX_LANGUAGES

GENERATED_WORLDS = ("sandbox", "disjoint")
SPARK_MASTER = re.compile(
    r"local|local\[(\*|[1-9][0-9]*)(,\s*[1-9][0-9]*)?\]|local-cluster\[[0-9, ]+\]|yarn|(spark|k8s)://\S+"
)
LONGEST_SHOWN = 200
"""Characters of a wrong value that an error shows."""


def languages_of(world: str) -> tuple[str, ...]:
    """Language codes of a world, in its own order."""
    return tuple(SANDBOX_LANGUAGES) if world in GENERATED_WORLDS else MLAMA_LANGUAGES


class Settings(BaseSettings):
    """Where the data come from and go to, and on what they are computed."""

    model_config = SettingsConfigDict(
        env_prefix="FACTROOTS_", toml_file="factroots.toml", extra="forbid", frozen=True
    )

    world: Literal["sandbox", "disjoint", "mlama"] = Field(
        default="sandbox", description="generated world, its negative control, or mLAMA with real Wikipedia"
    )
    data_root: Path = Field(default=Path("data"), description="folder under which everything is written")
    languages: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="comma-separated codes; empty means all of the world's"
    )
    mlama_source: str = Field(default="", description="URL, folder, .zip or .tar.*; empty means the mirrors")
    wikipedia_source: str = Field(
        default="https://dumps.wikimedia.org", description="folder of dumps or base URL"
    )
    wikipedia_snapshot: str = Field(default="latest", description="date of the dumps (YYYYMMDD) or latest")
    wikipedia_lists: bool = Field(
        default=True, description="whether list items belong to the articles' text (the paper left them out)"
    )
    wordpiece_checkpoint: str = Field(
        default="",
        description="registered checkpoint whose tokenizer the matcher wordpiece_chunk uses; empty: none",
    )
    checkpoints: Path | None = Field(default=None, description="registry file, or folder of checkpoints")
    spark_master: str = Field(default="local[*]", description="Spark master URL")
    device: Literal["auto", "cpu", "cuda", "mps"] = Field(default="auto", description="where models run")
    precision: Literal["fp32", "bf16"] = Field(
        default="fp32",
        description="number format of models; bf16 is faster on GPUs, and changes some answers",
    )
    protocols: Annotated[tuple[Literal["pll", "left_to_right", "confidence"], ...], NoDecode] = Field(
        default=(),
        description="comma-separated, what else masked models are asked: pll (typed ranking by "
        "pseudo-log-likelihood, slow), left_to_right and confidence (masks filled one after another)",
    )
    mask_counts: Literal["relation", "object"] = Field(
        default="relation",
        description="with how many masks masked models are asked: as many as any object of the relation "
        "needs, or only as many as the row's own does (several times faster; P@1, neurons and types stay as "
        "they are; without typed ranking, prior and partial matches)",
    )
    sandbox_seed: int = Field(default=0, ge=0, lt=2**32, description="seed of the generated worlds")

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

    @field_validator("languages", "protocols", mode="before")
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
    def _data_root_is_a_folder(cls, value: object) -> object:
        if value == "":
            raise ValueError("it is empty; name the folder that data are written under")
        if isinstance(value, str | Path) and Path(value).exists() and not Path(value).is_dir():
            raise ValueError("it is a file; name a folder")
        return value

    @field_validator("spark_master")
    @classmethod
    def _spark_knows_the_master(cls, value: str) -> str:
        if not SPARK_MASTER.fullmatch(value):
            raise ValueError("use local[*], local[4], spark://host:7077, yarn or k8s://https://host:443")
        return value

    @model_validator(mode="after")
    def _languages_exist(self) -> Settings:
        known = languages_of(self.world)
        wrong = [code for code in self.languages if code not in known]
        if wrong:
            raise ValueError(
                f"languages: {', '.join(wrong)} not in world {self.world!r}; it has {', '.join(known)}"
            )
        if len(set(self.languages)) != len(self.languages):
            raise ValueError("languages: a code is given twice")
        return self

    @property
    def active_languages(self) -> tuple[str, ...]:
        """The chosen languages in the world's order; all of them when none was chosen."""
        known = languages_of(self.world)
        return tuple(code for code in known if code in self.languages) if self.languages else known

    @property
    def generated(self) -> bool:
        """Whether the world is generated, with planted truth."""
        return self.world in GENERATED_WORLDS


def load_settings() -> Settings:
    """Read the settings; raises InputError that names each wrong setting."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for problem in error.errors():
            # of a list's item, the setting is the list
            name = str(problem["loc"][0]).upper() if problem["loc"] else "LANGUAGES"
            got = f" (got {_shortened(repr(problem['input']))})" if problem["loc"] else ""
            lines.append(f"FACTROOTS_{name}: {_shortened(problem['msg'])}{got}")
        raise InputError("settings are wrong: " + "; ".join(lines), "correct them and start again") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(
            f"factroots.toml: not TOML in UTF-8 ({error})", "correct or remove the file"
        ) from None


def _shortened(text: str) -> str:
    return text if len(text) <= 2 * LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]} ... {text[-LONGEST_SHOWN:]}"
