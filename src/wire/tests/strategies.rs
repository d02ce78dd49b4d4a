//! Random commands that keep every limit, one strategy an action.

use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;

use crate::domain::*;
use crate::wire::{encode_application, policy_hash};

/// One of several strategies, each on the heap: together they would fill a test's stack.
macro_rules! boxed_union {
    ($($strategy:expr),+ $(,)?) => {
        proptest::strategy::Union::new([$($strategy.boxed()),+]).boxed()
    };
}

pub(super) fn command() -> impl Strategy<Value = Command> {
    (
        any::<[u8; 32]>(),
        name::<PartyName>(),
        any::<[u8; 16]>(),
        0..=UnixMillis::MAX.0,
        action(),
    )
        .prop_map(|(ledger, actor, nonce, created_at, mut action)| {
            let founding = if let Action::Found(found) = &mut action {
                found.operator = actor.clone();
                true
            } else {
                false
            };
            Command {
                ledger: (!founding).then_some(LedgerId(ledger)),
                actor,
                nonce: Nonce(nonce),
                created_at: UnixMillis(created_at),
                action,
            }
        })
}

fn action() -> BoxedStrategy<Action> {
    boxed_union!(
        charter_action(),
        party_action(),
        contribution_action(),
        pool_action(),
        payout_action()
    )
}

fn charter_action() -> BoxedStrategy<Action> {
    let window = || TIME_WINDOW_MS;
    let version = || 1..=u32::MAX;
    let found = (
        origin(),
        key(),
        key(),
        signature(),
        version(),
        window(),
        hash(),
    )
        .prop_map(
            |(
                origin,
                operator_key,
                log_key,
                log_key_possession,
                rules_version,
                time_window_ms,
                terms_hash,
            )| {
                Action::Found(Found {
                    origin,
                    operator: "operator".parse().unwrap(),
                    operator_key,
                    log_key,
                    log_key_possession,
                    rules_version,
                    time_window_ms,
                    approvals: Vec::new(),
                    terms_hash,
                })
            },
        );
    let log_key = (key(), signature()).prop_map(|(key, possession)| NewLogKey { key, possession });
    let amend = (window(), option::of(log_key)).prop_map(|(time_window_ms, log_key)| {
        AmendCharter {
            time_window_ms,
            log_key,
        }
        .into()
    });
    let upgrade = version().prop_map(|rules_version| Upgrade { rules_version }.into());
    boxed_union!(found, amend, upgrade)
}

fn party_action() -> BoxedStrategy<Action> {
    let admit = (application(), signature(), option::of(name::<PartyName>())).prop_map(
        |(application, signature, beneficial_owner)| {
            AdmitParty {
                application_bytes: encode_application(&application),
                application,
                signature,
                beneficial_owner,
            }
            .into()
        },
    );
    let rotate = (key(), signature()).prop_map(|(new_key, possession)| {
        RotateKey {
            new_key,
            possession,
        }
        .into()
    });
    let revoke = (key(), option::of(any::<u64>())).prop_map(|(public_key, suspect_from)| {
        RevokeKey {
            public_key,
            suspect_from,
        }
        .into()
    });
    let replace =
        (name::<PartyName>(), key(), signature()).prop_map(|(party, new_key, possession)| {
            ReplaceKey {
                party,
                new_key,
                possession,
            }
            .into()
        });
    boxed_union!(admit, rotate, revoke, replace)
}

fn contribution_action() -> BoxedStrategy<Action> {
    let bulk = vec(record_contribution(), 1..5)
        .prop_map(|contributions| RecordContributions { contributions }.into());
    let withdraw = (thing(), period(), text()).prop_map(|(contribution, from_period, reason)| {
        WithdrawContribution {
            contribution,
            from_period,
            reason,
        }
        .into()
    });
    let grant = (thing(), grantee(), option::of(hash()), period()).prop_map(
        |(contribution, grantee, policy, from_period)| {
            let policy = match (&grantee, policy) {
                (Grantee::Pool(_), Some(hash)) => GrantedPolicy::Only(hash),
                _ => GrantedPolicy::Any,
            };
            GrantUse {
                contribution,
                grantee,
                policy,
                from_period,
            }
            .into()
        },
    );
    let revoke = (thing(), grantee(), period()).prop_map(|(contribution, grantee, from_period)| {
        RevokeUse {
            contribution,
            grantee,
            from_period,
        }
        .into()
    });
    let claim = (thing(), name::<CostClass>(), money(1), hash(), text()).prop_map(
        |(contribution, class, amount, evidence_hash, note)| {
            ClaimCost {
                contribution,
                class,
                amount,
                evidence_hash,
                note,
            }
            .into()
        },
    );
    let approve = (thing(), money(0), text()).prop_map(|(claim, approved, reason)| {
        ApproveCost {
            claim,
            approved,
            reason,
        }
        .into()
    });
    boxed_union!(
        record_contribution().prop_map(Action::from),
        bulk,
        withdraw,
        grant,
        revoke,
        claim,
        approve
    )
}

fn pool_action() -> BoxedStrategy<Action> {
    let publish = policy().prop_map(|policy| {
        PublishPolicy {
            policy_hash: policy_hash(&policy),
            policy,
        }
        .into()
    });
    let declare = (
        pool(),
        period(),
        prop_oneof![Just(UseMode::Add), Just(UseMode::Replace)],
        use_class(),
        hash(),
    )
        .prop_map(|(pool, period, mode, class, use_list)| {
            DeclareUse {
                pool,
                period,
                mode,
                class,
                use_list,
            }
            .into()
        });
    let revenue = (pool(), period(), revenue_kind(), money(1), "[!-~]{1,128}").prop_map(
        |(pool, period, kind, amount, reference)| {
            PostRevenue {
                pool,
                period,
                kind,
                amount,
                reference,
            }
            .into()
        },
    );
    let freeze = (pool(), period()).prop_map(|(pool, period)| FreezePeriod { pool, period }.into());
    let settle =
        (pool(), period(), thing(), hash()).prop_map(|(pool, period, valuation, result_hash)| {
            Settle {
                pool,
                period,
                valuation,
                result_hash,
            }
            .into()
        });
    boxed_union!(
        publish,
        open_pool().prop_map(Action::from),
        declare,
        revenue,
        import_weights().prop_map(Action::from),
        request_action(),
        freeze,
        settle
    )
}

fn payout_action() -> BoxedStrategy<Action> {
    let issue =
        (name::<PartyName>(), money(1), "[!-~]{1,128}").prop_map(|(party, amount, reference)| {
            IssuePayout {
                party,
                amount,
                reference,
            }
            .into()
        });
    let paid = (thing(), "[!-~]{1,128}").prop_map(|(payout, bank_reference)| {
        SettlePayout {
            payout,
            bank_reference,
        }
        .into()
    });
    let unpaid =
        (thing(), text()).prop_map(|(payout, reason)| FailPayout { payout, reason }.into());
    boxed_union!(issue, paid, unpaid)
}

fn request_action() -> BoxedStrategy<Action> {
    let commit =
        (pool(), hash()).prop_map(|(pool, commitment)| CommitReveal { pool, commitment }.into());
    let start = (
        pool(),
        period(),
        "[a-z0-9-]{1,64}",
        prop_oneof![Just("{}"), Just("{\"duplicates\":\"first\",\"k\":\"5\"}")],
        option::of(hash()),
        option::of(hash()),
    )
        .prop_map(
            |(pool, period, method, parameters, validation_hash, commitment)| {
                StartValuation {
                    pool,
                    period,
                    method,
                    parameters: parameters.to_owned(),
                    validation_hash,
                    commitment,
                }
                .into()
            },
        );
    let reveal = option::of(any::<[u8; 32]>().prop_map(Reveal));
    let finish = (thing(), hash(), reveal).prop_map(|(request, table_hash, reveal)| {
        FinishValuation {
            request,
            table_hash,
            reveal,
        }
        .into()
    });
    boxed_union!(commit, start, finish)
}

fn import_weights() -> impl Strategy<Value = ImportWeights> {
    (
        pool(),
        period(),
        "[a-z0-9-]{1,64}",
        0..=u64::MAX,
        option::of(hash()),
        hash(),
    )
        .prop_map(|(pool, period, method, k, validation_hash, table_hash)| {
            let parameters = format!("{{\"k\":{k},\"label\":\"label\"}}");
            ImportWeights {
                pool,
                period,
                method,
                parameters,
                validation_hash,
                table_hash,
            }
        })
}

fn application() -> impl Strategy<Value = Application> {
    let all = [
        Role::Operator,
        Role::Provider,
        Role::Payer,
        Role::Evaluator,
        Role::Auditor,
        Role::Service,
    ];
    let roles = btree_set(prop::sample::select(all.to_vec()), 1..=6);
    (any::<[u8; 32]>(), name(), roles, key(), hash()).prop_map(
        |(ledger, name, roles, public_key, terms_hash)| Application {
            ledger: LedgerId(ledger),
            name,
            roles: roles.into_iter().collect(),
            public_key,
            terms_hash,
        },
    )
}

fn record_contribution() -> impl Strategy<Value = RecordContribution> {
    let kind = prop_oneof![
        Just(ContributionKind::Original),
        Just(ContributionKind::Labels),
        Just(ContributionKind::Synthesis),
        Just(ContributionKind::Cleaning),
        Just(ContributionKind::Merge),
    ];
    let parents = btree_map(any::<[u8; 32]>(), 0..=BASIS_POINTS_MAX, 0..=PARENTS_MAX);
    let numbers = (1..=VERSION_MAX, any::<u64>(), any::<u64>());
    (
        name(),
        numbers,
        kind,
        hash(),
        parents,
        contribution_terms(),
        text(),
    )
        .prop_map(
            |(
                dataset,
                (version, content_bytes, rows),
                kind,
                content_hash,
                parents,
                terms,
                description,
            )| {
                RecordContribution {
                    dataset,
                    version,
                    kind,
                    content_hash,
                    content_bytes,
                    rows,
                    parents: parents
                        .into_iter()
                        .map(|(id, upstream_bps)| Parent {
                            contribution: ThingId(id),
                            upstream_bps,
                        })
                        .collect(),
                    terms,
                    description,
                }
            },
        )
}

fn contribution_terms() -> impl Strategy<Value = ContributionTerms> {
    let pools = prop_oneof![Just(PoolConsent::Any), Just(PoolConsent::Granted)];
    let derivation = prop_oneof![
        Just(DerivationConsent::Free),
        Just(DerivationConsent::Granted),
        Just(DerivationConsent::None),
    ];
    let licence = prop_oneof![
        Just(Licence::Spdx("CC-BY-4.0".to_owned())),
        Just(Licence::Spdx(
            "(MIT OR Apache-2.0) AND LicenseRef-ours".to_owned()
        )),
        hash().prop_map(Licence::Text),
    ];
    (pools, derivation, 0..=BASIS_POINTS_MAX, licence).prop_map(
        |(pools, derivation, upstream_bps_min, licence)| ContributionTerms {
            pools,
            derivation,
            upstream_bps_min,
            licence,
        },
    )
}

fn policy() -> impl Strategy<Value = Policy> {
    let zone = prop_oneof![Just("Asia/Shanghai"), Just("UTC"), Just("Etc/GMT+8")];
    (name(), zone, 0..=OBJECTION_DAYS_MAX, policy_terms()).prop_map(
        |(name, time_zone, objection_days, terms)| Policy {
            name,
            time_zone: time_zone.to_owned(),
            objection_days,
            terms,
        },
    )
}

fn policy_terms() -> impl Strategy<Value = PolicyTerms> {
    let bps = || 0..=BASIS_POINTS_MAX;
    let amount = || 0..=i64::MAX;
    let fee = (bps(), amount(), option::of(amount())).prop_map(|(bps, flat, cap)| OperatorFee {
        bps,
        flat,
        cap,
    });
    let ceiling = amount().prop_map(|maximum_revenue| RegulatedCeiling { maximum_revenue });
    let classes = prop_oneof![
        Just(vec![]),
        Just(vec!["labelling".to_owned(), "direct".to_owned()])
    ];
    let costs = (bps(), classes).prop_map(|(tier_cap_bps, classes)| CostRecovery {
        tier_cap_bps,
        classes,
    });
    let floor =
        (bps(), amount(), any::<u64>()).prop_map(|(budget_bps, amount, min_weight)| Floor {
            budget_bps,
            amount,
            min_weight,
        });
    let upstream =
        (bps(), 0..=DEPTH_MAX_DEFAULT).prop_map(|(stack_max_bps, depth_max)| UpstreamLimits {
            stack_max_bps,
            depth_max,
        });
    let first = (
        option::of(fee),
        option::of(ceiling),
        option::of(costs),
        option::of(bps()),
    );
    // Zero is what the message says where the terms say nothing, so it is not generated.
    let rest = (
        option::of(floor),
        option::of(bps()),
        option::of(upstream),
        option::of(1..=BASIS_POINTS_MAX),
        option::of(bps()),
        option::of(1..=i64::MAX),
    );
    (first, rest).prop_map(|(first, rest)| PolicyTerms {
        operator_fee: first.0,
        regulated_ceiling: first.1,
        cost_recovery: first.2,
        public_interest: first.3.map(|bps| PublicInterest { bps }),
        floor: rest.0,
        owner_cap_bps: rest.1,
        upstream: rest.2,
        offset_max_bps: rest.3,
        reserve: rest.4.map(|bps| Reserve { bps }),
        minimum_payout: rest.5,
    })
}

fn open_pool() -> impl Strategy<Value = OpenPool> {
    let kind = prop_oneof![
        Just(PeriodKind::Month),
        Just(PeriodKind::Quarter),
        Just(PeriodKind::Year)
    ];
    let policies = btree_map(period(), hash(), 1..5);
    (
        pool(),
        name(),
        currency(),
        kind,
        name(),
        policies,
        option::of(hash()),
    )
        .prop_map(
            |(name, payer, currency, period_kind, evaluator, policies, validation_hash)| OpenPool {
                name,
                payer,
                currency,
                period_kind,
                evaluator,
                policies: policies
                    .into_iter()
                    .map(|(from_period, policy_hash)| PoolPolicy {
                        from_period,
                        policy_hash,
                    })
                    .collect(),
                validation_hash,
            },
        )
}

fn grantee() -> impl Strategy<Value = Grantee> {
    prop_oneof![
        pool().prop_map(Grantee::Pool),
        name().prop_map(Grantee::ChildParty)
    ]
}

fn use_class() -> impl Strategy<Value = UseClass> {
    prop_oneof![
        Just(UseClass::Commercial),
        Just(UseClass::Research),
        Just(UseClass::PublicInterest)
    ]
}

fn revenue_kind() -> impl Strategy<Value = RevenueKind> {
    prop_oneof![
        Just(RevenueKind::Receipt),
        Just(RevenueKind::Refund),
        Just(RevenueKind::Chargeback)
    ]
}

fn money(least: i64) -> impl Strategy<Value = Money> {
    (least..=i64::MAX, currency()).prop_map(|(minor_units, currency)| Money {
        minor_units,
        currency,
    })
}

fn currency() -> impl Strategy<Value = Currency> {
    prop_oneof![Just("CNY"), Just("JPY"), Just("KWD")].prop_map(|code| code.parse().unwrap())
}

fn period() -> impl Strategy<Value = Period> {
    let text = prop_oneof!["20[0-9]{2}-0[1-9]", "20[0-9]{2}-Q[1-4]", "20[0-9]{2}"];
    text.prop_map(|text| text.parse().unwrap())
}

/// Names that no list reserves.
fn name<T: std::str::FromStr<Err = NameError> + std::fmt::Debug>() -> impl Strategy<Value = T> {
    "[a-z][a-z0-9-]{1,38}".prop_filter_map("reserved", |text| text.parse().ok())
}

fn pool() -> impl Strategy<Value = PoolName> {
    name()
}

fn origin() -> impl Strategy<Value = Origin> {
    "[a-z]{1,60}\\.example/[a-z0-9]{1,60}".prop_map(|text| text.parse().unwrap())
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["", "[ -~\n\tä-ü分润]{0,200}"]
}

fn hash() -> impl Strategy<Value = ContentHash> {
    any::<[u8; 32]>().prop_map(ContentHash)
}

fn thing() -> impl Strategy<Value = ThingId> {
    any::<[u8; 32]>().prop_map(ThingId)
}

fn key() -> impl Strategy<Value = PublicKey> {
    any::<[u8; 32]>().prop_map(PublicKey)
}

fn signature() -> impl Strategy<Value = Signature> {
    (any::<[u8; 32]>(), any::<[u8; 32]>()).prop_map(|(left, right)| {
        let mut bytes = [0; 64];
        bytes[..32].copy_from_slice(&left);
        bytes[32..].copy_from_slice(&right);
        Signature(bytes)
    })
}
