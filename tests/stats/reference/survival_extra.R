# Further reference results for tests/stats: Rscript survival_extra.R survival_extra.json
# (R 4.2.2, survival 3.5.3, maxstat 0.7.25, riskRegression 2022.11.28).  The data (survival's lung, ovarian
# and pbc, maxstat's DLBCL) are written into the JSON, so that the tests need no R.
suppressMessages({library(survival); library(maxstat); library(riskRegression)})
num <- function(x) unname(as.numeric(x))
tight <- coxph.control(eps = 1e-14, iter.max = 50)
out <- list()
d <- lung[complete.cases(lung[, c("time", "status", "age", "sex", "ph.ecog", "inst")]), ]
d$event <- d$status - 1; d$entry <- pmin(floor(d$age / 2), d$time - 1); d <- d[d$entry < d$time, ]
out$lung <- list(time = d$time, event = d$event, age = d$age, sex = d$sex, ecog = d$ph.ecog, inst = d$inst, entry = d$entry)
o <- ovarian; out$ovarian <- list(time = o$futime, event = o$fustat, age = o$age, ecog = o$ecog.ps, rx = o$rx)
zph <- function(f, t) { z <- cox.zph(f, transform = t); list(chisq = num(z$table[, 1]), df = num(z$table[, 2]), p = num(z$table[, 3])) }
fo <- coxph(Surv(futime, fustat) ~ age + ecog.ps, o, control = tight); out$zph_ovarian <- zph(fo, "km")
fl <- coxph(Surv(time, event) ~ age + sex + factor(ph.ecog), d[d$ph.ecog < 3, ], control = tight)
for (t in c("km", "rank", "identity", "log")) out[[paste0("zph_", t)]] <- zph(fl, t)
fs <- coxph(Surv(time, event) ~ age + ph.ecog + strata(sex), d, control = tight); out$zph_strata <- zph(fs, "km")
zs <- cox.zph(fs); out$residuals_strata <- list(time = num(zs$time), x = num(zs$x), age = num(zs$y[, 1]), ecog = num(zs$y[, 2]))
out$schoenfeld <- list(age = num(residuals(fs, "schoenfeld")[, 1]))
out$strata <- list(coef = num(coef(fs)), se = num(sqrt(diag(vcov(fs)))), loglik = num(fs$loglik))
fr <- coxph(Surv(time, event) ~ age + sex, d, robust = TRUE, control = tight); out$robust <- list(se = num(sqrt(diag(vcov(fr)))))
fc <- coxph(Surv(time, event) ~ age + sex, d, cluster = inst, control = tight); out$cluster <- list(se = num(sqrt(diag(vcov(fc)))), wald = num(summary(fc)$waldtest[1]))
ft <- coxph(Surv(entry, time, event) ~ age + sex, d, control = tight); out$entry <- list(coef = num(coef(ft)), se = num(sqrt(diag(vcov(ft)))), loglik = num(ft$loglik))
fb <- coxph(Surv(time, event) ~ age + sex, d, ties = "breslow", control = tight); out$breslow <- list(coef = num(coef(fb)), se = num(sqrt(diag(vcov(fb)))))
fe <- coxph(Surv(time, event) ~ age + sex, d, control = tight, x = TRUE); out$risk <- list(risk = num(1 - summary(survfit(fe, data.frame(age = 60, sex = 2)), times = c(180, 365))$surv))
ro <- royston(fe); out$royston <- num(ro)
u <- concordance(Surv(time, event) ~ age, d, reverse = TRUE, timewt = "n/G2"); out$uno <- num(coef(u))
out$uno_tau <- num(coef(concordance(Surv(time, event) ~ age, d, reverse = TRUE, timewt = "n/G2", ymax = 364.5)))
rho <- function(r, strat = FALSE) { s <- if (strat) survdiff(Surv(time, event) ~ ph.ecog + strata(sex), d, rho = r) else survdiff(Surv(time, event) ~ ph.ecog, d, rho = r)
  list(chisq = num(s$chisq), obs = num(if (strat) rowSums(s$obs) else s$obs), exp = num(if (strat) rowSums(s$exp) else s$exp)) }
out$survdiff <- list(rho1 = rho(1), rho05 = rho(0.5), strata = rho(0, TRUE), strata1 = rho(1, TRUE))
k <- survfit(Surv(time, event) ~ sex, d); r <- summary(k, rmean = 365)$table; out$rmst <- list(mean = num(r[, "rmean"]), se = num(r[, "se(rmean)"]))
p <- c(.01, .2, .03, .04); out$holm <- num(p.adjust(p, "holm"))
q <- DLBCL[complete.cases(DLBCL[, c("time", "cens", "MGE")]), ]; out$dlbcl <- list(time = q$time, event = q$cens, mge = q$MGE)
top <- function(f, data) lapply(c(Lau92 = "Lau92", Lau94 = "Lau94", HL = "HL"), function(m) { t <- maxstat.test(f, data, smethod = "LogRank", pmethod = m); num(c(t$statistic, t$p.value, t$estimate)) })
out$maxstat_dlbcl <- top(Surv(time, cens) ~ MGE, q); out$maxstat_lung <- top(Surv(time, event) ~ age, d[1:120, ])
b <- pbc[complete.cases(pbc[, c("time", "status", "age", "bili")]), ]
b$status <- ifelse(b$status == 2, 1, ifelse(b$status == 1, 2, 0)); b$dead <- as.numeric(b$status == 1)
ra <- 1 - exp(-exp(-4 + 0.03 * b$age) * outer(rep(1, nrow(b)), c(1, 2))); rb <- plogis(-2.2 + 0.9 * log(b$bili) + outer(rep(1, nrow(b)), c(0, 0.6)))
out$pbc <- list(time = b$time, status = b$status, age = b$age, bili = b$bili)
times <- c(1000, 2000)
pick <- function(s) list(auc = num(s$AUC$score$AUC), auc_se = num(s$AUC$score$se), auc_delta_se = num(s$AUC$contrasts$se), brier = num(s$Brier$score$Brier),
  brier_se = num(s$Brier$score$se), brier_delta_se = num(s$Brier$contrasts$se), ipa = num(s$Brier$score$IPA))
out$score_competing <- pick(Score(list(a = ra, b = rb), formula = Hist(time, status) ~ 1, data = b, times = times, cause = 1, metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, contrasts = TRUE))
out$score_survival <- pick(Score(list(a = ra, b = rb), formula = Surv(time, dead) ~ 1, data = b, times = times, metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, contrasts = TRUE))
# the standard errors of Score(cause = 2) differ from those of the same data with the causes exchanged; these are right
b$swapped <- c(0, 2, 1)[b$status + 1]
out$score_cause2 <- pick(Score(list(a = ra, b = rb), formula = Hist(time, swapped) ~ 1, data = b, times = c(2000, 3000), cause = 1, metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, contrasts = TRUE))
b$year <- ceiling(b$time / 365.25); years <- c(4, 7)
out$score_tied <- pick(Score(list(a = ra, b = rb), formula = Surv(year, dead) ~ 1, data = b, times = years, metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, contrasts = TRUE))
out$score_tied_competing <- pick(Score(list(a = ra, b = rb), formula = Hist(year, status) ~ 1, data = b, times = years, cause = 1, metrics = c("auc", "brier"), summary = "ipa", se.fit = TRUE, contrasts = TRUE))
ft <- coxph(Surv(year, dead) ~ age + log(bili), b, control = tight); out$zph_tied <- zph(ft, "km")
out$tied <- list(year = b$year, concordance = num(unlist(concordance(Surv(year, dead) ~ age, b, reverse = TRUE)[c("concordance", "var")])),
  uno = num(coef(concordance(Surv(year, dead) ~ age, b, reverse = TRUE, timewt = "n/G2"))), scaled = num(cox.zph(ft)$y[, 1]), robust = num(sqrt(diag(vcov(coxph(Surv(year, dead) ~ age + log(bili), b, robust = TRUE, control = tight))))))
out$maxstat_tied <- lapply(c(Lau92 = "Lau92", Lau94 = "Lau94"), function(m) { t <- maxstat.test(Surv(year, dead) ~ age, b, smethod = "LogRank", pmethod = m); num(c(t$statistic, t$p.value, t$estimate)) })
k <- survfit(Surv(year, dead) ~ 1, b); out$rmst_tied <- num(summary(k, rmean = 8)$table[c("rmean", "se(rmean)")])
cat(jsonlite::toJSON(out, digits = NA, na = "null"), file = commandArgs(TRUE)[1])
