# Writes what R's survival says of Cox models, with the data used, as JSON.
# usage: Rscript cox.R cox.json
suppressMessages({library(survival); library(jsonlite)})
num <- function(x) unname(as.numeric(x))
tell <- function(f, new = NULL, times = NULL) {
  s <- summary(f)$coefficients
  out <- list(terms = names(coef(f)), coef = num(coef(f)), se = num(s[, "se(coef)"]),
              robust = if ("robust se" %in% colnames(s)) num(s[, "robust se"]) else NULL, z = num(s[, "z"]), p = num(s[, ncol(s)]),
              lower = num(summary(f)$conf.int[, "lower .95"]), upper = num(summary(f)$conf.int[, "upper .95"]),
              loglik = num(f$loglik), score = num(f$score), wald = num(f$wald.test))
  if (!is.null(new)) {
    curve <- survfit(f, newdata = new)
    out$survival <- t(matrix(summary(curve, times = times, extend = TRUE)$surv, nrow = length(times)))
    out$times <- times
    out$new <- new
  }
  out
}
lung1 <- na.omit(lung[, c("inst", "time", "status", "age", "sex", "ph.ecog", "ph.karno", "wt.loss")])
lung1$event <- lung1$status - 1
lung1$w <- 0.5 + (seq_len(nrow(lung1)) %% 4) / 2
lung1$entry <- (seq_len(nrow(lung1)) %% 5) * lung1$time / 10
lung1$week <- ceiling(lung1$time / 30)
new <- data.frame(age = c(50, 70), sex = c(1, 2), ph.karno = c(90, 60))
times <- c(100, 300, 500)

form <- Surv(time, event) ~ age + sex + ph.karno
out <- list(R = R.version.string, survival = as.character(packageVersion("survival")), data = list(
  lung = lung1, ovarian = ovarian, heart = heart[, c("start", "stop", "event", "age", "year", "surgery", "transplant", "id")]))
out$heart_note <- "transplant is 0 and 1"
out$data$heart$transplant <- as.numeric(as.character(out$data$heart$transplant))
h <- out$data$heart
out$efron <- tell(coxph(form, lung1), new, times)
out$breslow <- tell(coxph(form, lung1, ties = "breslow"), new, times)
out$exact <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, ties = "exact"))
out$efron_weeks <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1), new, c(3, 10, 20))
out$breslow_weeks <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, ties = "breslow"), new, c(3, 10, 20))
out$weighted <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, weights = w, robust = FALSE), new, c(3, 10, 20))
out$weighted_breslow <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, weights = w, ties = "breslow", robust = TRUE))
out$weighted_robust <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, weights = w, robust = TRUE))
out$robust <- tell(coxph(Surv(week, event) ~ age + sex + ph.karno, lung1, robust = TRUE))
out$cluster <- tell(coxph(form, lung1, cluster = inst))
out$cluster_weighted <- tell(coxph(form, lung1, weights = w, cluster = inst))
out$entry <- tell(coxph(Surv(entry, time, event) ~ age + sex + ph.karno, lung1), new, times)
lung1$row <- seq_len(nrow(lung1))
out$entry_weighted <- tell(coxph(Surv(entry, time, event) ~ age + sex + ph.karno, lung1, weights = w, cluster = row))
lung1$twice <- lung1$age * 2 - lung1$ph.karno
out$aliased <- tell(coxph(Surv(time, event) ~ age + ph.karno + twice + sex, lung1))
fs <- coxph(Surv(time, event) ~ age + ph.karno + strata(sex), lung1)
out$strata <- tell(fs)
curve <- summary(survfit(fs, newdata = data.frame(age = c(50, 70), ph.karno = c(90, 60), sex = c(1, 2))), times = times, extend = TRUE)
out$strata$survival <- t(matrix(curve$surv, nrow = 3))
out$strata_exact <- tell(coxph(Surv(week, event) ~ age + ph.karno + strata(sex), lung1, ties = "exact"))
out$strata_robust <- tell(coxph(Surv(time, event) ~ age + ph.karno + strata(sex), lung1, robust = TRUE))
out$ovarian <- tell(coxph(Surv(futime, fustat) ~ age + resid.ds + rx + ecog.ps, ovarian))
out$heart <- tell(coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, h))
# here coxph gives a bare list, which summary() does not know
e <- coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, h, ties = "exact")
b0 <- num(e$coefficients); s0 <- num(sqrt(diag(e$var)))
out$heart_exact <- list(terms = names(e$coefficients), coef = b0, se = s0, z = b0 / s0, p = 2 * pnorm(-abs(b0 / s0)),
  lower = exp(b0 - qnorm(.975) * s0), upper = exp(b0 + qnorm(.975) * s0), loglik = num(e$loglik), score = num(e$score),
  wald = num(b0 %*% solve(e$var) %*% b0), robust = NULL)
out$heart_cluster <- tell(coxph(Surv(start, stop, event) ~ age + year + surgery + transplant, h, cluster = id))
b <- bladder2[bladder2$start < bladder2$stop, c("id", "rx", "size", "number", "start", "stop", "event")]
out$data$bladder <- b
out$recurrent <- tell(coxph(Surv(start, stop, event) ~ rx + size + number, b, id = id))
zero <- data.frame(time = c(0, 0, 1, 2, 2, 3, 4, 5, 6, 7), event = c(1, 0, 1, 1, 0, 1, 0, 1, 1, 0), x = c(3, 1, 2, 5, 1, 0, 2, 1, 0, 1))
out$data$zero <- zero
out$zero <- tell(coxph(Surv(time, event) ~ x, zero), data.frame(x = c(0, 2)), c(0, 2, 6))
write(toJSON(out, digits = NA, auto_unbox = TRUE, na = "null", dataframe = "columns", null = "null"), commandArgs(TRUE)[1])
