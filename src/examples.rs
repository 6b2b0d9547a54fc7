//! The examples below each command's help. A test reads every one of them with the command line's own parser.

use clap::Command;

pub(crate) const SERVICES: &str = "\
Examples:
  dbctl services                                  every value and where it came from
  dbctl services --set k-indexer.port=5439        the same with another port for this run";

pub(crate) const PROVISION: &str = "\
Examples:
  dbctl provision                                 roles, databases, privileges and directories of all services
  dbctl provision --service k-indexer             of one service
  dbctl provision --dry-run                       what it would make, change and take back";

pub(crate) const MIGRATE: &str = "\
Examples:
  dbctl migrate --dry-run                         what would be applied, and which locks it takes
  dbctl migrate                                   apply everything, service by service
  dbctl migrate --service k-indexer --target 3    one service, no further than version 3
  dbctl migrate --fail-fast --wait 60             in a deployment: wait for servers, change nothing when one is not fit";

pub(crate) const ROLLBACK: &str = "\
Examples:
  dbctl rollback --service k-indexer --target 4 --dry-run    the down scripts that would run
  dbctl rollback --service k-indexer --target 4              run them, in one transaction";

pub(crate) const BASELINE: &str = "\
Examples:
  dbctl baseline --service k-indexer --dry-run    which version's schema is it?
  dbctl baseline --service k-indexer              adopt it, after proving that it is one";

pub(crate) const REPAIR: &str = "\
Examples:
  dbctl repair --service k-indexer --dry-run      what is left, and what would be done about it
  dbctl repair --service k-indexer                mend what can be mended";

pub(crate) const STATUS: &str = "\
Examples:
  dbctl status                                    all services on one screen
  dbctl status --wait 60 --quiet                  a health check: ready within a minute?
  dbctl status --format json                      for scripts";

pub(crate) const VERIFY: &str = "\
Examples:
  dbctl verify                                    everything
  dbctl verify --service k-indexer --fail-on warning
  dbctl verify --output report.html --output report.sarif
  dbctl verify --format github --output junit.xml    in GitHub Actions
  dbctl explain bleed/foreign-object              what a rule means and how to mend it";

pub(crate) const CHECK: &str = "\
Examples:
  dbctl check                                     in a pull request: no server is needed
  dbctl check --format github --fail-on warning   as annotations of GitHub Actions
  dbctl check --output check.sarif                for code scanning
  dbctl check --compose compose.yaml --compose compose.prod.yaml    each file over those before it";

pub(crate) const LOCK: &str = "\
Examples:
  dbctl lock                                      write the locks, to be reviewed and checked in
  dbctl lock --check                              in CI: are they current?
  dbctl lock --from simply-kaspa-indexer          record what a service with managed = \"service\" has made";

pub(crate) const SANDBOX: &str = "\
Examples:
  dbctl sandbox run -- dbctl provision            one command against throwaway servers
  dbctl sandbox run -- bash                       a shell with the environment set
  dbctl sandbox up                                leave the servers running; prints export lines
  dbctl sandbox down                              stop them and remove their data";

pub(crate) const SANDBOX_RUN: &str = "\
Examples:
  dbctl sandbox run -- dbctl provision            one command; everything is removed afterwards
  dbctl sandbox run --real-ports -- bash          a shell, with the servers on the manifest's own ports";

pub(crate) const SANDBOX_UP: &str = "\
Examples:
  dbctl sandbox up > sandbox.env                  then, in this shell: . ./sandbox.env
  dbctl sandbox up --dir .sandbox-18 --postgres-bin /usr/lib/postgresql/18/bin";

pub(crate) const SANDBOX_DOWN: &str = "\
Examples:
  dbctl sandbox down                              what dbctl sandbox up has started
  dbctl sandbox down --dir .sandbox-18            one that was started with --dir";

pub(crate) const RULES: &str = "\
Examples:
  dbctl rules                                     the list
  dbctl rules bleed                               the rules of a group
  dbctl rules bleed/foreign-object                one rule's page";

pub(crate) const EXPLAIN: &str = "\
Examples:
  dbctl explain 4                                 an exit code
  dbctl explain 55P03                             an SQLSTATE of the server
  dbctl explain access/trust                      a rule";

pub(crate) const COMPLETIONS: &str = "\
Examples:
  dbctl completions bash > ~/.local/share/bash-completion/completions/dbctl
  dbctl completions zsh > ~/.zfunc/_dbctl
  dbctl completions fish > ~/.config/fish/completions/dbctl.fish";

pub(crate) const MAN: &str = "\
Examples:
  dbctl man > dbctl.1                             the page of dbctl
  dbctl man --dir man1                            a page for each command";

/// How wide help is at most, and where the width is not known.
pub(crate) const WIDEST: u16 = 100;

/// The commands with examples that fit the width: where one of a command's does not, what they are for stands below each.
pub(crate) fn fitting(command: Command, width: Option<u16>) -> Command {
    let command = command.mut_subcommands(|command| fitting(command, width));
    let width = usize::from(width.unwrap_or(WIDEST).min(WIDEST));
    match command.get_after_help().map(ToString::to_string) {
        Some(help) if help.lines().any(|line| line.chars().count() > width) => {
            command.after_help(below(&help))
        }
        _ => command,
    }
}

/// Examples with what they are for below them.
fn below(help: &str) -> String {
    let lines = help.lines().map(|line| {
        let example = line
            .strip_prefix("  ")
            .and_then(|line| line.split_once("  "));
        example.map_or_else(
            || line.to_owned(),
            |(typed, purpose)| format!("  {typed}\n      {}", purpose.trim_start()),
        )
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

    use clap::{CommandFactory as _, Parser as _};

    use crate::cli::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_has_examples_that_can_be_typed() {
        let command = Cli::command();
        let nested = command
            .get_subcommands()
            .flat_map(|one| one.get_subcommands());
        for command in command.get_subcommands().chain(nested) {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string);
            let help = help.unwrap_or_else(|| panic!("{name} has no examples"));
            let mut own = 0;
            for line in help.lines().filter(|line| line.starts_with("  ")) {
                // What stands behind two blanks says what it is for; a redirection is the shell's.
                let typed = line.trim().split("  ").next().unwrap();
                let typed = typed.split(" > ").next().unwrap();
                let words: Vec<&str> = typed.split(' ').collect();
                own += usize::from(words.iter().take(3).any(|word| *word == name));
                Cli::try_parse_from(&words).unwrap_or_else(|error| panic!("{typed}: {error}"));
            }
            assert!(own > 0, "{name}");
        }
    }

    #[test]
    fn examples_fit_a_narrow_terminal() {
        let help = |width| {
            let mut command = super::fitting(Cli::command(), Some(width)).term_width(width.into());
            let verify = command.find_subcommand_mut("verify").unwrap();
            verify.render_long_help().to_string()
        };
        let wide = "  dbctl explain bleed/foreign-object              what a rule means and how to mend it\n";
        assert!(help(100).contains(wide));
        let narrow =
            "  dbctl explain bleed/foreign-object\n      what a rule means and how to mend it\n";
        assert!(help(60).contains(narrow), "{}", help(60));
        let second = "--output report.sarif\n";
        assert!(
            help(60).contains(second),
            "nothing to say stays a line of its own"
        );
    }
}
